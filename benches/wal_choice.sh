#!/usr/bin/env bash
# The work of a sending queue on our log, on redb and on fjall, taking turns:
# `benches/wal_choice.sh [SECONDS] [ROUNDS] [DIRECTORY]`. The directory decides which
# disk is measured (default: target/wal_choice). Prints a line for each run.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-6}
rounds=${2:-3}
directory=${3:-target/wal_choice}
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
cargo build --quiet --release --locked --manifest-path benches/wal_choice/Cargo.toml
mkdir -p "$directory"
work=$(mktemp -d "$directory/run.XXXXXX")
trap 'rm -rf "$work"' EXIT
for entry in 370 400000; do
  for _ in $(seq "$rounds"); do
    for store in wal redb fjall; do
      "$CARGO_TARGET_DIR/release/wal_choice" "$store" "$entry" 16 "$seconds" "$work/$store"
      rm -rf "${work:?}/$store"
    done
  done
done
