#!/usr/bin/env bash
# Everything a change has to pass: format, lint, types, cards that are not stale, tests.
# Arguments go to pytest, as in: scripts/check.sh -k idx. Without any, branch coverage is measured.
set -euo pipefail
cd "$(dirname "$0")/.."
ruff format --check .
ruff check .
mypy
python scripts/generate_cards.py --check
python scripts/lint_card.py cards/README.md cards/*/README.md
if [ $# -eq 0 ]; then
  set -- --cov
fi
python -m pytest -n auto "$@"
