"""Makes the compiler work for ever on a small source."""

eval("(" * 80 + "lambda: " + "[" * 10 + "0" + "]" * 10 + ")" * 80)
source = "x = " + " + ".join(["(lambda: 0)()"] * 300_000)
exec(source)
while True:
    compile(source, "x", "exec")
