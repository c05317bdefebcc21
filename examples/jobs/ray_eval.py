"""dynedge eval on a Ray cluster: a task for each part, then the merge.

    python ray_eval.py net.safetensors /data/val results --parts 16

Node 20 or later and dynedge must be on the PATH of the nodes; bundle, images and results lie on
a file system that all of them share.
"""

import argparse
import subprocess
from pathlib import Path

CORES = 4  # of each task


def evaluate(bundle: str, images: str, results: str, part: int, parts: int) -> str:
    """Evaluates one part; -> its file."""
    file = str(Path(results) / f"eval-{part}-of-{parts}.json")
    command = ["dynedge", "eval", bundle, images, "--shard", f"{part}/{parts}", "--json", file]
    run(command + ["--workers", str(CORES), "--variant", "simd"])
    return file


def run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")


def main() -> None:
    import ray

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("bundle")
    parser.add_argument("images", help="folder with a folder of pictures for each class")
    parser.add_argument("results", help="new folder for the parts and the page")
    parser.add_argument("--parts", type=int, default=8)
    options = parser.parse_args()
    Path(options.results).mkdir(parents=True, exist_ok=True)
    ray.init()
    task = ray.remote(num_cpus=CORES, max_retries=2)(evaluate)
    paths = [str(Path(path).resolve()) for path in (options.bundle, options.images, options.results)]
    parts = range(1, options.parts + 1)
    files = ray.get([task.remote(*paths, part, options.parts) for part in parts])
    page = str(Path(options.results) / "page.html")
    run(["dynedge", "eval", "--merge", *files, "--html", page])
    print(page)


if __name__ == "__main__":
    main()
