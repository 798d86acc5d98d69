#!/usr/bin/env bash
# A real Request Tracker moves into a real Redmine on this machine, and the two are compared.
#   examples/rt-to-redmine.sh [DIR]      DIR (default: a new one under /tmp) holds the desks and the project folder
# Needs Debian 12 and root (it installs request-tracker5 and redmine). Both desks listen on 127.0.0.1 only, mail nobody,
# and stay up at the end to be looked at; their addresses and how to stop them are printed.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p "${1:-/tmp/rt-to-redmine}"; DIR=$(cd "${1:-/tmp/rt-to-redmine}" && pwd)
SERVERS=tests/e2e/servers; PROJECT=$DIR/project
say() { printf '\n== %s\n' "$*"; }

say "the two desks"
"$SERVERS/rt.sh" start "$DIR/rt" "${RT_PORT:-18480}"
"$SERVERS/redmine.sh" start "$DIR/redmine" "${REDMINE_PORT:-18481}"
cargo build --release --bin deskferry --example desks
DESKS=target/release/examples/desks

if [ ! -e "$DIR/expected.json" ]; then
  say "filling Request Tracker (a minute or two)"
  "$DESKS" seed "$DIR/rt/conn.env" "$DIR/expected.json"
  mkdir -p "$PROJECT"
  "$DESKS" project "$PROJECT" "$DIR/rt/conn.env" "$DIR/redmine/conn.env"
fi
conn() { sed -n "s/^$2=//p" "$DIR/$1/conn.env"; }
RT_TOKEN=$(conn rt RT_TOKEN); REDMINE_API_KEY=$(conn redmine REDMINE_API_KEY)
export RT_TOKEN REDMINE_API_KEY

for command in check run report; do
  say "deskferry -C $PROJECT $command"
  cargo run --quiet --release --bin deskferry -- -C "$PROJECT" $command
done

say "comparing the two desks through their own APIs"
"$DESKS" compare "$PROJECT" "$DIR/expected.json" "$DIR/redmine/conn.env"
say "look at them, then stop them"
echo "Request Tracker: $(conn rt RT_BASE_URL)  root / $(conn rt RT_PASSWORD)"
echo "Redmine:         $(conn redmine REDMINE_BASE_URL)  admin / $(conn redmine REDMINE_PASSWORD)"
echo "$SERVERS/rt.sh stop $DIR/rt; $SERVERS/redmine.sh stop $DIR/redmine"
