"""The running jobs in the status bar: what, how far, and a Cancel for each."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QWidget

from twinviewer.app.jobs import Job, JobRunner
from twinviewer.ui.look import Look

LOOK_EVERY_MS = 100
SHOWN_AT_ONCE = 2


def job_text(job: Job) -> str:
    """Return what a job is at, in a few words."""
    if job.cancel_asked:
        return f"{job.title}: stopping…"
    return f"{job.title}: {job.text}" if job.text else job.title


class JobRow(QWidget):
    """One job."""

    def __init__(self, job: Job, look: Look) -> None:
        super().__init__()
        self.job = job
        self.label = QLabel()
        self.label.setMaximumWidth(320)
        self.progress = QProgressBar()
        self.progress.setFixedWidth(110)
        self.progress.setMaximumHeight(14)
        self.progress.setTextVisible(False)
        self.progress.setRange(0, 1000)
        self.progress.setAccessibleName(f"Progress of {job.title}")
        self.cancel = look.button("circle-x", f"Cancel {job.title}", tooltip="Stop this job.")
        self.cancel.clicked.connect(self._cancel)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 6, 0)
        layout.setSpacing(6)
        for widget in (self.label, self.progress, self.cancel):
            layout.addWidget(widget)
        self.look()

    def look(self) -> None:
        """Show how far the job is."""
        text = job_text(self.job)
        self.label.setText(self.label.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, 310))
        self.label.setToolTip(text)
        self.progress.setValue(round(self.job.progress * 1000))

    def _cancel(self) -> None:
        self.job.cancel()
        self.cancel.setEnabled(False)
        self.look()


class JobsBar(QWidget):
    """Shows the jobs of one runner: looks at them ten times a second while there are any."""

    def __init__(self, runner: JobRunner, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("jobs")
        self._runner, self._look = runner, look
        self.rows: list[JobRow] = []
        self._more = QLabel()
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(4, 0, 0, 0)
        self._layout.addWidget(self._more)
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_EVERY_MS)
        self._timer.timeout.connect(self._look_at_rows)
        runner.on_change(self._show_jobs)
        self._show_jobs()

    def _show_jobs(self) -> None:
        jobs: Sequence[Job] = self._runner.jobs
        shown = jobs[:SHOWN_AT_ONCE]
        for row in [row for row in self.rows if row.job not in shown]:
            self.rows.remove(row)
            self._layout.removeWidget(row)
            row.hide()
            row.deleteLater()
        for job in shown:
            if all(row.job is not job for row in self.rows):
                row = JobRow(job, self._look)
                self.rows.append(row)
                self._layout.insertWidget(self._layout.count() - 1, row)
        rest = len(jobs) - len(shown)
        self._more.setText(f"and {rest} more" if rest > 0 else "")
        self._more.setVisible(rest > 0)
        self.setVisible(bool(jobs))
        if jobs:
            self._timer.start()
        else:
            self._timer.stop()

    def _look_at_rows(self) -> None:
        for row in self.rows:
            row.look()
