#!/usr/bin/env bash
# A private Roundup 2.6 (PyPI, in a venv of its own) on SQLite.
#   roundup.sh start DATADIR PORT    writes DATADIR/conn.env (addresses, passwords); running already is fine
#   roundup.sh stop DATADIR
#   roundup.sh install DATADIR       installs what it needs and starts nothing; the log is DATADIR/log/apt.log
# The schema is that of the template `classic`, with a `private` flag on messages and a property of every type on issues.
# Nosy mail stays on, as on a real tracker; Roundup appends it to DATADIR/mails/mbox instead of sending it.
set -euo pipefail
. "$(dirname "$0")/common.sh"
usage() { echo "usage: $0 start DATADIR PORT | stop DATADIR | install DATADIR" >&2; exit 2; }
[ $# -ge 2 ] || usage
mkdir -p "$2"; D=$(cd "$2" && pwd)
case $1 in
  stop) halt "$D" roundup-server; exit 0 ;;
  start) [ $# -eq 3 ] || usage; PORT=$3 ;;
  install) ;;
  *) usage ;;
esac

mkdir -p "$D"/{log,mails}
install "$D/log/apt.log" python3-venv curl
# The server refuses to be root: a place its user can read, shared by all instances.
V=/var/lib/deskferry-e2e/roundup-2.6.0
( flock 9
  "$V/bin/python" -c 'import roundup' 2>/dev/null ||
    { mkdir -p "$V" && /usr/bin/python3 -m venv --clear "$V" && "$V/bin/pip" install -q --disable-pip-version-check roundup==2.6.0; } \
      >"$D/log/pip.log" 2>&1 </dev/null || { tail -20 "$D/log/pip.log" >&2; exit 1; }
) 9>/var/lock/deskferry-e2e-roundup.lock
[ "$1" = install ] && exit 0
alive "$D" roundup-server && exit 0

T=$D/tracker
[ -s "$D/adminpw" ] || (umask 077; echo "Admin-$(secret 8)" >"$D/adminpw")
PW=$(cat "$D/adminpw")
if [ ! -e "$D/.ready" ]; then
  rm -rf "$T"
  { "$V/bin/roundup-admin" -i "$T" install classic sqlite "tracker_web=http://127.0.0.1:$PORT/tracker/,mail_domain=roundup.test,mail_host=localhost,mail_debug=$D/mails/mbox"
    "$V/bin/python" - "$T/schema.py" <<'PY'
import sys
path = sys.argv[1]
text = open(path).read()
lists = {
    "severity": ["Low", "Medium", "High"],
    "product": ["Alpha", "Beta", "Gämma"],
    "serial": ["SN-%d" % n for n in range(1, 10)],
    "topic": ["network", "printer", "login"],
}
classes = "".join('%s = Class(db, "%s", name=String()); %s.setkey("name")\n' % (c, c, c) for c in lists)
fields = """order_number=String(), serial_numbers=Multilink("serial"), seats=Number(), weight=Number(), severity=Link("severity"),
    products=Multilink("product"), details=String(), runbook=String(), memo=String(), purchase_date=Date(), callback_at=Date(),
    region=String(), topics=Multilink("topic"), channel=String(), host=String(), network=String(),"""
for old, new in [
    ('msg = FileClass(db, "msg",', classes + 'msg = FileClass(db, "msg", private=Boolean(),'),
    ('issue = IssueClass(db, "issue",', 'issue = IssueClass(db, "issue", ' + fields),
]:
    assert old in text, old
    text = text.replace(old, new)
text += '\ndb.security.addRole(name="Agent", description="answers customers")\n'
for name in lists:
    text += 'db.security.addPermissionToRole("User", "View", "%s")\n' % name
open(path, "w").write(text)
with open(path.replace("schema.py", "initial_data.py"), "a") as more:
    more.write("\nfrom roundup import password\n")
    for name, values in lists.items():
        for value in values:
            more.write("db.getclass(%r).create(name=%r)\n" % (name, value))
    for login, real, address, roles in [
        ("agent1", "Agent One", "agent1@rt.test", "User, Agent"),
        ("agent2", "Ægir Ünïcode", "agent2@rt.test", "User, Agent"),
        ("agent3", "Ирина Иванова", "agent3@rt.test", "User, Agent"),
    ]:
        more.write("user.create(username=%r, realname=%r, address=%r, roles=%r, password=password.Password('Agent-Passw0rd', config=db.config))\n"
                   % (login, real, address, roles))
PY
    "$V/bin/roundup-admin" -i "$T" initialise "$PW"
  } >"$D/log/init.log" 2>&1 </dev/null || { tail -20 "$D/log/init.log" >&2; exit 1; }
  touch "$D/.ready"
fi
# a copy stands elsewhere and listens on another port
sed -i -e "s|^web = http://127.0.0.1:.*|web = http://127.0.0.1:$PORT/tracker/|" -e "s|^debug = /.*/mails/mbox\$|debug = $D/mails/mbox|" "$T/config.ini"

AS=()
if [ "$(id -u)" = 0 ]; then
  chown -R www-data:www-data "$T" "$D/mails"
  AS=(setpriv --reuid www-data --regid www-data --clear-groups)
  # a folder above may be closed to others
  "${AS[@]}" test -r "$T/config.ini" ||
    AS+=(--inh-caps=+dac_override,+dac_read_search --ambient-caps=+dac_override,+dac_read_search)
  AS+=(env "HOME=$T")
fi
launch "$D" roundup-server "http://127.0.0.1:$PORT/tracker/rest/data" "admin:$PW" \
  "${AS[@]}" "$V/bin/roundup-server" -n 127.0.0.1 -p "$PORT" -t fork "tracker=$T"
( umask 077
  { echo "ROUNDUP_BASE_URL=http://127.0.0.1:$PORT/tracker"; echo "ROUNDUP_API_URL=http://127.0.0.1:$PORT/tracker/rest/data"
    echo "ROUNDUP_USER=admin"; echo "ROUNDUP_PASSWORD=$PW"; echo "ROUNDUP_DB=$T/db/db"; echo "ROUNDUP_MAILS=$D/mails/mbox"; } >"$D/conn.env" )
