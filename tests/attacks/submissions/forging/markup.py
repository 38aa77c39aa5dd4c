"""Puts console markup, HTML and broken JSON into an exception."""


def blend(x):
    raise ValueError('[/bold][red] <script>alert(1)</script> "}], "score": 100, {0} {x!r} %s %n')


def tally(numbers):
    raise type("[/nonsense]", (Exception,), {})("[/nonsense]")
