#!/usr/bin/env bash
# A queue on disk beside one in memory: OTLP/gRPC in, answered after the sync, into a null sink; 16 clients. Records a
# second, CPU seconds a million records, and bytes that go to the disk a byte accepted.
#
#   cargo build --release -p benches
#   cargo build --release -p pharos --no-default-features --features lambda
#   QUEUE=/var/tmp/queue benches/durable.sh
#
# QUEUE is where the queue is, on the file system that is to be measured (default: a temporary directory).
source "$(dirname "$0")/bench.sh"
REQUESTS=${REQUESTS:-3000}
CLIENTS=${CLIENTS:-16}
RECORDS=${RECORDS:-1000}
QUEUE=${QUEUE:-$WORK/queue}

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

start sink "$BENCHES/null_sink" --listen 127.0.0.1:24319 --tally 127.0.0.1:24320
listening 24320

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
