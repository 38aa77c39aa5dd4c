"""Puts a report with full points in the place of the grader's own."""

import os

os.makedirs("@OUT@/forging-report_file", exist_ok=True)
os.open("@OUT@/forging-report_file/report.json", os.O_WRONLY | os.O_CREAT)
raise RuntimeError("BREACHED: opened for writing")
