"""Values in, values out: student code runs in another process, behind a wire of plain values.

Two sides live here. The worker's side (`wire`, `runner`, `jail`, `zygote`) imports nothing of
the grader's; the grader's side (`workers`) never imports student code.
"""
