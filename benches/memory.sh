#!/usr/bin/env bash
# Resident memory: idle with the default configuration, and behind a sink that takes half of what is offered.
#
#   cargo build --release -p benches -p pharos
#   benches/memory.sh
source "$(dirname "$0")/bench.sh"
RATE=${RATE:-100000}
SECONDS_OF_LOAD=${SECONDS_OF_LOAD:-60}

start idle "$PHAROS" --config otel-config.yaml --set "exporters::delta::location=$WORK/lake"
idle=$PID
listening 4317
for second in 2 10 30; do
  sleep $((second - ${waited:-0}))
  waited=$second
  echo "idle after $second s: $(rss_of "$idle") MiB"
done
stop "$idle"

start sink "$BENCHES/null_sink" --listen 127.0.0.1:24319 --tally 127.0.0.1:24320 --rate $((RATE / 2))
listening 24320
cat >"$WORK/slow.yaml" <<YAML
receivers:
  otlp: {protocols: {grpc: {endpoint: 127.0.0.1:24317}}}
processors:
  memory_limiter: {check_interval: 1s, limit_mib: 256}
  batch:
exporters:
  otlp_grpc: {endpoint: 127.0.0.1:24319, compression: none, tls: {insecure: true}}
service:
  telemetry: {metrics: {level: none}}
  pipelines:
    logs: {receivers: [otlp], processors: [memory_limiter, batch], exporters: [otlp_grpc]}
YAML
start slow "$PHAROS" --config "$WORK/slow.yaml"
slow=$PID
listening 24317
echo "before load: $(rss_of "$slow") MiB"
start load "$BENCHES/load" --rate "$RATE" --connections 4 --window 16 --requests $((RATE * SECONDS_OF_LOAD / 1000)) --tally 127.0.0.1:24320
load=$PID
for second in $(seq 5 5 "$SECONDS_OF_LOAD"); do
  sleep 5
  echo "after $second s at $RATE records/s into a sink of $((RATE / 2)): $(rss_of "$slow") MiB"
done
wait "$load" || true
cat "$WORK/load.log"
echo "after all was delivered: $(rss_of "$slow") MiB"
