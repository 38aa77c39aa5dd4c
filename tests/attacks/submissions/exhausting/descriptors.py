"""Opens files until it can't."""

files = []


def blend(x):
    while len(files) < 500:
        files.append(open(__file__))
    raise RuntimeError("BREACHED: has hundreds of files open")
