"""`python -m engine.tiny DIR`: write the tiny noise model to DIR."""

import argparse
import sys
from pathlib import Path

from engine.tiny.model import write_tiny_model


def main() -> None:
    """Parse the command line and write the model."""
    parser = argparse.ArgumentParser(
        prog="python -m engine.tiny", description="Make a tiny randomly initialised Llama. Its verdicts are noise."
    )
    parser.add_argument("folder", type=Path, help="where to write it; made if missing")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    write_tiny_model(arguments.folder, seed=arguments.seed)
    sys.stdout.write(f"tiny noise model in {arguments.folder}\n")


if __name__ == "__main__":
    main()
