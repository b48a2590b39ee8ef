#!/usr/bin/env bash
# Everything a change has to pass: format, lint, tests. Arguments go to pytest, as in: scripts/check.sh -k idx
set -euo pipefail
cd "$(dirname "$0")/.."
ruff format --check .
ruff check .
python -m pytest -n auto "$@"
