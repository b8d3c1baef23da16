#!/usr/bin/env bash
# A queue on disk beside one in memory: OTLP/gRPC in, answered after the sync, into a null sink; 16 clients. Records a
# second, CPU seconds a million records, and bytes that go to the disk a byte accepted.
#
#   cargo build --release -p benches
#   cargo build --release -p pharos --no-default-features --features lambda
#   QUEUE=/var/tmp/queue benches/durable.sh
#
# BACKLOG is how many requests then wait for a sink that is away, of a process that is killed with -9 (22000 are 10 GB;
# default: none): how soon the next process takes data, how fast it delivers, and what memory it has meanwhile.
# QUEUE is where the queue is, on the file system that is to be measured (default: a temporary directory).
source "$(dirname "$0")/bench.sh"
REQUESTS=${REQUESTS:-3000}
CLIENTS=${CLIENTS:-16}
RECORDS=${RECORDS:-1000}
QUEUE=${QUEUE:-$WORK/queue}
BACKLOG=${BACKLOG:-0}

config() {
  cat >"$WORK/$1.yaml" <<YAML
receivers:
  otlp: {protocols: {grpc: {endpoint: 127.0.0.1:24317}}}
processors:
  batch:
exporters:
  otlp_grpc: {endpoint: 127.0.0.1:24319, compression: none, tls: {insecure: true}, sending_queue: {$2}}
extensions:
  file_storage: {directory: $QUEUE, create_directory: true}
service:
  extensions: [file_storage]
  telemetry: {metrics: {level: none}}
  pipelines:
    logs: {receivers: [otlp], processors: [batch], exporters: [otlp_grpc]}
YAML
}
config memory "block_on_overflow: true"
config disk "storage: file_storage"

start_sink() {
  start sink "$BENCHES/null_sink" --listen 127.0.0.1:24319 --tally 127.0.0.1:24320
  sink=$PID
  listening 24320
}
start_sink

written() { awk '/^write_bytes/ { print $2 }' "/proc/$1/io"; }

# measure NAME
measure() {
  rm -rf "$QUEUE"
  start "$1" "$PHAROS" --config "$WORK/$1.yaml"
  local pid=$PID
  listening 24317
  "$BENCHES/load" --requests 200 --records "$RECORDS" --connections "$CLIENTS" --tally 127.0.0.1:24320 >/dev/null
  local before bytes
  before=$(written "$pid")
  "$BENCHES/load" --requests "$REQUESTS" --records "$RECORDS" --connections "$CLIENTS" --pid "$pid" --tally 127.0.0.1:24320 >"$WORK/line"
  bytes=$(($(written "$pid") - before))
  stop "$pid"
  echo "$1 written=$bytes $(cat "$WORK/line")"
  local sent found
  sent=$(field records <"$WORK/line") found=$(field found <"$WORK/line")
  [ "$sent" = "$found" ] || { echo "$1 lost or repeated records: $found of $sent" >&2; exit 1; }
  awk -v n="$sent" -v s="$(field wall_s <"$WORK/line")" 'BEGIN { print n / s }' >>"$WORK/$1.rates"
  field cpu_s_per_million <"$WORK/line" >>"$WORK/$1.figures"
  awk -v written="$bytes" -v accepted="$(field bytes <"$WORK/line")" 'BEGIN { print written / accepted }' >>"$WORK/$1.written"
}

for _ in $(seq "$ROUNDS"); do
  measure memory
  measure disk
done

echo "medians of $ROUNDS rounds, and of the ratios within a round:"
for name in memory disk; do
  echo "$name: $(median <"$WORK/$name.rates") records/s, $(median <"$WORK/$name.figures") CPU s a million"
done
echo "records/s: $(paste "$WORK/disk.rates" "$WORK/memory.rates" | awk '{ print $1 / $2 }' | median) of memory"
echo "CPU: $(paste "$WORK/disk.figures" "$WORK/memory.figures" | awk '{ print $1 / $2 }' | median) times memory"
echo "bytes to the disk a byte accepted: $(median <"$WORK/disk.written")"

[ "$BACKLOG" -gt 0 ] || exit 0
stop "$sink"
rm -rf "$QUEUE"
start disk "$PHAROS" --config "$WORK/disk.yaml"
listening 24317
"$BENCHES/load" --requests "$BACKLOG" --records "$RECORDS" --connections "$CLIENTS" --pid "$PID" >"$WORK/line"
echo "accepted without a sink: $(cat "$WORK/line")"
kill -9 "$PID"
wait "$PID" 2>/dev/null || true
begun=$(date +%s.%N)
start disk "$PHAROS" --config "$WORK/disk.yaml"
pid=$PID
listening 24317
ready=$(date +%s.%N)
before=$(rss_of "$pid") most=0
start_sink
delivered() { (exec 3<>/dev/tcp/127.0.0.1/24320 && cut -d' ' -f2 <&3); }
first=$(date +%s.%N)
while [ "$(delivered)" -lt $((BACKLOG * RECORDS)) ]; do
  most=$({ rss_of "$pid"; echo "$most"; } | sort -g | tail -n 1)
  sleep 0.1
done
awk -v begun="$begun" -v ready="$ready" -v first="$first" -v last="$(date +%s.%N)" -v n=$((BACKLOG * RECORDS)) \
  -v before="$before" -v most="$most" -v bytes="$(field bytes <"$WORK/line")" 'BEGIN {
    printf "backlog of %.2f GB: ready after %.2f s, %.0f records/s, memory %.1f MiB before the sink, %.1f MiB at most\n",
      bytes / 1e9, ready - begun, n / (last - first), before, most }'
