#!/usr/bin/env bash
# Beacons, one event a request over kept HTTP/1.1 connections: requests a CPU second of the collector (beacon, ecs,
# queue, OTLP out) and of nginx, which reads the same bodies and answers 204. Both on the same pinned core; the load
# comes from the other one. Every answer must be 204 and every event must be found in the sink, once.
#
# The load generator writes its requests before it starts, polls its sockets and never sleeps, in both cases. One that
# sleeps until an answer comes is woken by the system call that sends the answer, on the server's account, and the more
# often the slower the server is: under nginx it is always busy.
#
#   apt-get install nginx
#   cargo build --release -p benches
#   cargo build --release -p pharos --no-default-features --features lambda
#   benches/beacons.sh
#
# With PHAROS=pipeline it measures the bench program `pipeline`: the same components without the program around them.
source "$(dirname "$0")/bench.sh"
REQUESTS=${REQUESTS:-200000}
CORE=${CORE:-1}
OTHER=${OTHER:-0}

cat >"$WORK/nginx.conf" <<CONF
daemon off;
worker_processes 1;
pid $WORK/nginx.pid;
error_log $WORK/nginx.error.log;
events { worker_connections 1024; }
http {
  access_log off;
  keepalive_requests 100000000;
  client_body_temp_path $WORK/body;
  server { listen 127.0.0.1:24380; location / { return 204; } }
}
CONF
cat >"$WORK/pharos.yaml" <<YAML
receivers:
  beacon: {endpoint: 127.0.0.1:24381, rate_limit: {enabled: false}}
processors:
  ecs:
  batch:
exporters:
  otlp_grpc: {endpoint: 127.0.0.1:24319, compression: none, tls: {insecure: true}}
service:
  telemetry: {metrics: {level: none}}
  pipelines:
    logs: {receivers: [beacon], processors: [ecs, batch], exporters: [otlp_grpc]}
YAML

load() { taskset -c "$OTHER" "$BENCHES/load" --connections 64 --requests "$REQUESTS" "$@" >"$WORK/line"; }

# all_answered NAME: every answer was a 204.
all_answered() {
  echo "$1 $(cat "$WORK/line")"
  [ "$(field accepted_requests <"$WORK/line")" = "$REQUESTS" ] || { echo "$1: not every answer was 204" >&2; exit 1; }
  field cpu_s <"$WORK/line" | awk -v n="$REQUESTS" '{ print n / $1 }' >>"$WORK/$1.figures"
}

unused 24319 24320 24380 24381
for _ in $(seq "$ROUNDS"); do
  start nginx taskset -c "$CORE" nginx -p "$WORK" -c "$WORK/nginx.conf"
  master=$PID
  listening 24380
  worker=$(pgrep -P "$master" | head -n 1)
  load --protocol 204 --to 127.0.0.1:24380 --pid "$worker"
  stop "$master"
  all_answered nginx

  start sink taskset -c "$OTHER" "$BENCHES/null_sink" --listen 127.0.0.1:24319 --tally 127.0.0.1:24320 --check yes
  sink=$PID
  listening 24320
  if [ "$PHAROS" = pipeline ]; then
    start pharos taskset -c "$CORE" "$BENCHES/pipeline" --receiver beacon --ecs yes
  else
    start pharos taskset -c "$CORE" "$PHAROS" --config "$WORK/pharos.yaml"
  fi
  pharos=$PID
  listening 24381
  load --protocol beacon --path "${BEACON_PATH:-/b}" --to 127.0.0.1:24381 --pid "$pharos" --tally 127.0.0.1:24320
  stop "$pharos"
  stop "$sink"
  all_answered pharos
  found=$(field distinct <"$WORK/line") again=$(field again <"$WORK/line")
  [ "$found/$again" = "$REQUESTS/0" ] || { echo "found $found of $REQUESTS events, $again twice" >&2; exit 1; }
done

echo "medians of $ROUNDS rounds, requests a CPU second:"
echo "nginx  $(median <"$WORK/nginx.figures")"
share=$(paste "$WORK/pharos.figures" "$WORK/nginx.figures" | awk '{ print 100 * $1 / $2 }' | median)
echo "pharos $(median <"$WORK/pharos.figures")  $share % of nginx"
