#!/usr/bin/env bash
# OTLP/gRPC in to a Delta table on local disk: CPU seconds a million log records, against writing the same records as
# ready-made Arrow batches with the same Parquet settings. The collector's figure is that of the whole process, from
# its start to its end after SIGTERM, commits included; the table must hold every record.
#
# The ready-made batches are written by as many processes at once as there are cores: the collector and its load keep all
# cores busy too, and a core whose neighbour sleeps does more in a CPU second.
#
#   cargo build --release -p benches -p pharos
#   benches/lake.sh
source "$(dirname "$0")/bench.sh"
REQUESTS=${REQUESTS:-1000}
RECORDS=$((REQUESTS * 1000))

cat >"$WORK/pharos.yaml" <<YAML
receivers:
  otlp: {protocols: {grpc: {endpoint: 127.0.0.1:24317}}}
processors:
  batch:
exporters:
  delta:
    location: $WORK/lake
    # what compaction costs is spent later, and by a table, not by a record
    compaction: {enabled: false}
service:
  telemetry: {metrics: {level: none}}
  pipelines:
    logs: {receivers: [otlp], processors: [batch], exporters: [delta]}
YAML

# stored: rows of the table, from the statistics of its commits.
stored() {
  cat "$WORK"/lake/otel_logs/_delta_log/*.json | grep -o 'numRecords\\*":[0-9]*' | awk -F: '{ n += $2 } END { print n + 0 }'
}

for _ in $(seq "$ROUNDS"); do
  writers=()
  for writer in $(seq "$(nproc)"); do
    mkdir -p "$WORK/ready-$writer"
    start "ready-$writer" "$BENCHES/ready_batches" --records "$RECORDS" --directory "$WORK/ready-$writer"
    writers+=("$PID")
  done
  wait "${writers[@]}"
  cat "$WORK"/ready-*.log >"$WORK/lines"
  sed 's/^/arrow /' "$WORK/lines"
  while read -r line; do field cpu_s_per_million <<<"$line"; done <"$WORK/lines" |
    awk '{ sum += $1 } END { print sum / NR }' >>"$WORK/arrow.figures"
  rm -rf "$WORK"/ready-? "$WORK"/ready-?? "$WORK/lake"

  start pharos "$PHAROS" --config "$WORK/pharos.yaml"
  pharos=$PID
  listening 24317
  "$BENCHES/load" --requests "$REQUESTS" --pid "$pharos" >"$WORK/line"
  # everything is in the table once its commits say so; then nothing is left to be done
  for _ in $(seq 600); do
    [ "$(stored)" -ge "$RECORDS" ] && break
    sleep 0.1
  done
  spent=$(cpu_of "$pharos")
  stop "$pharos"
  [ "$(stored)" = "$RECORDS" ] || { echo "the table holds $(stored) of $RECORDS records" >&2; exit 1; }
  files=$(find "$WORK/lake/otel_logs" -name '*.parquet' | wc -l)
  echo "pharos cpu_s=$spent files=$files $(cat "$WORK/line")"
  awk -v cpu="$spent" -v n="$RECORDS" 'BEGIN { print cpu * 1e6 / n }' >>"$WORK/pharos.figures"
done

echo "medians of $ROUNDS rounds, CPU seconds a million records:"
echo "arrow to parquet $(median <"$WORK/arrow.figures")"
ratio=$(paste "$WORK/pharos.figures" "$WORK/arrow.figures" | awk '{ print $1 / $2 }' | median)
echo "otlp to delta    $(median <"$WORK/pharos.figures")  $ratio times that"
