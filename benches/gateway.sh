#!/usr/bin/env bash
# OTLP/gRPC in, batch, OTLP/gRPC out: CPU seconds a million log records of a relay that only skims, joins and
# forwards, of the collector, and of the collector with the ecs processor in between.
#
#   cargo build --release -p benches
#   cargo build --release -p pharos --no-default-features --features lambda
#   benches/gateway.sh
#
# With PHAROS=pipeline it measures the bench program `pipeline` instead: the same components without the program
# around them.
source "$(dirname "$0")/bench.sh"
REQUESTS=${REQUESTS:-3000}

config() {
  cat >"$WORK/$1.yaml" <<YAML
receivers:
  otlp: {protocols: {grpc: {endpoint: 127.0.0.1:24317}}}
processors:
  ecs:
  batch:
exporters:
  otlp_grpc: {endpoint: 127.0.0.1:24319, compression: none, tls: {insecure: true}}
service:
  telemetry: {metrics: {level: none}}
  pipelines:
    logs: {receivers: [otlp], processors: [$2], exporters: [otlp_grpc]}
YAML
}
config batch batch
config ecs "ecs, batch"

start sink "$BENCHES/null_sink" --listen 127.0.0.1:24319 --tally 127.0.0.1:24320
listening 24320

# measure NAME COMMAND...
measure() {
  local name=$1
  shift
  start "$name" "$@"
  local pid=$PID
  listening 24317
  # connections and memory are warm before it counts
  "$BENCHES/load" --requests 200 --tally 127.0.0.1:24320 >/dev/null
  "$BENCHES/load" --requests "$REQUESTS" --pid "$pid" --tally 127.0.0.1:24320 >"$WORK/line"
  stop "$pid"
  echo "$name $(cat "$WORK/line")"
  local sent found
  sent=$(field records <"$WORK/line") found=$(field found <"$WORK/line")
  [ "$sent" = "$found" ] || { echo "$name lost or repeated records: $found of $sent" >&2; exit 1; }
  field cpu_s_per_million <"$WORK/line" >>"$WORK/$name.figures"
}

for _ in $(seq "$ROUNDS"); do
  measure relay "$BENCHES/relay" --listen 127.0.0.1:24317 --to 127.0.0.1:24319
  if [ "$PHAROS" = pipeline ]; then
    measure batch "$BENCHES/pipeline"
    measure ecs "$BENCHES/pipeline" --ecs yes
  else
    measure batch "$PHAROS" --config "$WORK/batch.yaml"
    measure ecs "$PHAROS" --config "$WORK/ecs.yaml"
  fi
done

echo "medians of $ROUNDS rounds, CPU seconds a million records, and of the ratios within a round:"
echo "relay      $(median <"$WORK/relay.figures")"
for name in batch ecs; do
  ratio=$(paste "$WORK/$name.figures" "$WORK/relay.figures" | awk '{ print $1 / $2 }' | median)
  echo "$name $(median <"$WORK/$name.figures")  $ratio times the relay"
done
