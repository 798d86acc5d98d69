# What the scripts beside it share: packages, the mail sink, the life of one process. Sourced, never run.
# Every instance lives under its own DATADIR and listens on 127.0.0.1 only; a DATADIR may be copied and the copy started.

die() { echo "$*" >&2; exit 1; }

installed() {
  local p
  for p in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || return 1
  done
}

# install LOG PACKAGE...: one apt run at a time on this machine, no questions, stdin closed.
# A package that fails to configure is given a second chance by the function `mend`, if the caller defines it.
install() {
  local log=$1; shift
  installed "$@" && return 0
  ( flock 9
    installed "$@" && exit 0
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >"$log" 2>&1 </dev/null || echo "apt-get update failed, trying with the lists at hand" >>"$log"
    apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 "$@" >>"$log" 2>&1 </dev/null ||
      { declare -F mend >/dev/null && mend >>"$log" 2>&1 </dev/null; } ||
      { tail -30 "$log" >&2; exit 1; }
  ) 9>/var/lock/deskferry-e2e-apt.lock
  installed "$@" || { tail -30 "$log" >&2; die "still not installed: $*"; }
}

# sink DATADIR: outgoing mail ends as one file each in DATADIR/mails, wherever DATADIR was copied to.
sink() {
  mkdir -p "$1/mails"
  printf '#!/bin/sh\nexec cat >"$(mktemp "${0%%/*}/mails/mail-XXXXXXXX")"\n' >"$1/sendmail"
  chmod 755 "$1/sendmail"
}

# alive DATADIR WORD: the process started there still runs, and is what we started.
alive() {
  local pid
  [ -s "$1/pid" ] && pid=$(cat "$1/pid") && kill -0 "$pid" 2>/dev/null &&
    [ "$(awk '{print $3}' "/proc/$pid/stat" 2>/dev/null)" != Z ] &&
    tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q "$2"
}

# launch DATADIR WORD URL USER:PASSWORD COMMAND...: starts in its own session and waits until URL answers.
launch() {
  local dir=$1 word=$2 url=$3 who=$4; shift 4
  setsid "$@" >>"$dir/log/server.log" 2>&1 </dev/null 9>&- &
  echo $! >"$dir/pid"
  for _ in $(seq 900); do
    curl -fsS -o /dev/null -u "$who" "$url" 2>/dev/null && return 0
    # setsid has become the server by the time `word` shows; until then only its death counts
    kill -0 "$(cat "$dir/pid")" 2>/dev/null || { tail -20 "$dir/log/server.log" >&2; die "$word died"; }
    sleep 0.1
  done
  tail -20 "$dir/log/server.log" >&2
  die "$word does not answer at $url"
}

# halt DATADIR WORD: stops what `launch` started; the data is kept.
halt() {
  if alive "$1" "$2"; then
    local pid; pid=$(cat "$1/pid")
    kill -TERM "$pid"
    for _ in $(seq 100); do alive "$1" "$2" || break; sleep 0.1; done
    alive "$1" "$2" && kill -KILL -- "-$pid"
  fi
  rm -f "$1/pid"
}

secret() { head -c "$1" /dev/urandom | od -An -tx1 | tr -d ' \n'; }
