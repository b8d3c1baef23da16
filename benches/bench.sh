# What the side-by-side scripts share. Sourced, not run.
#
# PHAROS   the program that is measured (default: target/release/pharos)
# BENCHES  where the bench programs are (default: target/release)
# ROUNDS   how often the candidates take turns (default: 5)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
PHAROS=${PHAROS:-target/release/pharos}
BENCHES=${BENCHES:-target/release}
ROUNDS=${ROUNDS:-5}
WORK=$(mktemp -d)
STARTED=()

# Ends what this script started, and nothing else.
finish() {
  for pid in ${STARTED[@]+"${STARTED[@]}"}; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$WORK"
}
trap finish EXIT

# start NAME COMMAND...: in the background, with a log of its own; its id is in PID.
start() {
  local name=$1
  shift
  "$@" >"$WORK/$name.log" 2>&1 &
  PID=$!
  STARTED+=("$PID")
}

# stop PID: asks it to end and waits until it has.
stop() {
  kill "$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
  local rest=()
  for pid in "${STARTED[@]}"; do [ "$pid" = "$1" ] || rest+=("$pid"); done
  STARTED=(${rest[@]+"${rest[@]}"})
}

# unused PORT...: nobody listens there yet. Two benches at once would send their records into each other's sinks.
unused() {
  local port
  for port in "$@"; do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      echo "port $port is taken: is another bench running?" >&2
      return 1
    fi
  done
}

# listening PORT: waits until somebody listens there, ten seconds at most.
listening() {
  for _ in $(seq 200); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then return 0; fi
    sleep 0.05
  done
  echo "nobody listens on port $1:" >&2
  tail -n 20 "$WORK"/*.log >&2
  return 1
}

# field NAME: the value of NAME=VALUE on the line that comes in.
field() { tr ' ' '\n' | sed -n "s/^$1=//p"; }

# median: of the numbers that come in, one a line.
median() { sort -g | awk '{ n[NR] = $1 } END { if (NR % 2) print n[(NR + 1) / 2]; else print (n[NR / 2] + n[NR / 2 + 1]) / 2 }'; }

# CPU seconds, user and system, that a process has used.
cpu_of() { sed 's/.*) //' "/proc/$1/stat" | awk '{ print ($12 + $13) / 100 }'; }

# Resident memory of a process in MiB.
rss_of() { awk '/^VmRSS/ { printf "%.1f\n", $2 / 1024 }' "/proc/$1/status"; }
