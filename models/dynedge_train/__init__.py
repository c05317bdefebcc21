"""Training of dynedge's networks: `python -m dynedge_train CONFIG.toml --data DIR --out DIR`."""
