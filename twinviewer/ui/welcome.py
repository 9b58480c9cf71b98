"""The welcome page: three ways to begin, and what was open lately."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from twinviewer.app.recent_files import RecentFile
from twinviewer.ui import icons
from twinviewer.ui.look import Look

CARDS = (
    (
        "open",
        "folder-open",
        "Open",
        "A project, or files of a city: CityGML, CityJSON, laser scans, map layers, terrain, meshes.",
    ),
    ("demo", "building-2", "Demo city", "A fictional town with buildings, trees, traffic and air quality."),
    ("sensor", "radio-tower", "Connect a sensor", "Live values over the city: see which sources there are."),
)
SHOWN_RECENT = 8


class Card(QPushButton):
    """A large button with a picture, a title and a sentence."""

    def __init__(self, icon: str, title: str, text: str, look: Look) -> None:
        super().__init__()
        self.setObjectName("card")
        self.setAccessibleName(title)
        self.setAccessibleDescription(text)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._icon, self._look = icon, look
        self._picture = QLabel()
        name = QLabel(title)
        name.setObjectName("cardTitle")
        name.setWordWrap(True)
        self._words = QLabel(text)
        self._words.setObjectName("muted")
        self._words.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 18)
        layout.setSpacing(8)
        layout.addWidget(self._picture)
        layout.addWidget(name)
        layout.addWidget(self._words)
        layout.addStretch(1)
        for label in (self._picture, name, self._words):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        look.changed.connect(self._draw)
        self._draw()

    def sizeHint(self) -> QSize:  # noqa: N802
        layout = self.layout()
        hint = layout.sizeHint() if layout is not None else QSize(200, 160)
        return QSize(max(200, hint.width()), max(160, self.heightForWidth(max(200, self.width()))))

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return QSize(150, self.sizeHint().height())

    def heightForWidth(self, width: int) -> int:  # noqa: N802
        layout = self.layout()
        return layout.heightForWidth(width) if layout is not None else 160

    def hasHeightForWidth(self) -> bool:  # noqa: N802
        return True

    def _draw(self) -> None:
        theme = self._look.theme
        self._picture.setPixmap(self._look.icon(self._icon, colour=theme.focus).pixmap(32, 32))


class RecentRow(QWidget):
    """A recent file: its name, where it is, a pin."""

    def __init__(self, entry: RecentFile, look: Look, page: WelcomePage) -> None:
        super().__init__()
        path = Path(entry.path)
        open_button = QPushButton(path.name)
        open_button.setFlat(True)
        open_button.setCursor(Qt.CursorShape.PointingHandCursor)
        open_button.setEnabled(entry.exists)
        open_button.setToolTip(entry.path if entry.exists else f"{entry.path} is not there any more.")
        open_button.setAccessibleName(f"Open {path.name}")
        open_button.setStyleSheet("text-align: left; padding: 5px 8px;")
        open_button.clicked.connect(lambda: page.recent_asked.emit(entry.path))
        folder = QLabel(str(path.parent) if entry.exists else "moved or deleted")
        folder.setObjectName("muted")
        folder.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        pin = look.button(
            "pin-off" if entry.pinned else "pin", f"Pin {path.name}" if not entry.pinned else f"Unpin {path.name}"
        )
        pin.clicked.connect(lambda: page.pin_asked.emit(entry.path, not entry.pinned))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(open_button)
        layout.addWidget(folder, 1)
        layout.addWidget(pin)


class WelcomePage(QScrollArea):
    """Asks what to begin with."""

    open_asked = Signal()
    demo_asked = Signal()
    sensor_asked = Signal()
    back_asked = Signal()
    recent_asked = Signal(str)
    pin_asked = Signal(str, bool)

    def __init__(self, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAccessibleName("Welcome")
        page = QWidget()
        page.setObjectName("welcome")
        self.setWidget(page)
        title = QLabel("twinviewer")
        title.setObjectName("welcomeTitle")
        picture = QLabel()
        picture.setPixmap(icons.application_icon().pixmap(56, 56))
        lead = QLabel("A city in three dimensions, with what happens in it. Drop files anywhere on this window.")
        lead.setObjectName("muted")
        lead.setWordWrap(True)
        head = QGridLayout()
        head.setHorizontalSpacing(16)
        head.addWidget(picture, 0, 0, 2, 1)
        head.addWidget(title, 0, 1)
        head.addWidget(lead, 1, 1)
        head.setColumnStretch(1, 1)
        self.back = QPushButton("Back to the city")
        self.back.setToolTip("Show the project that is open.")
        self.back.clicked.connect(self.back_asked)
        self.back.hide()
        head.addWidget(self.back, 0, 2)
        self.cards: dict[str, Card] = {}
        cards = QHBoxLayout()
        cards.setSpacing(14)
        signals = {"open": self.open_asked, "demo": self.demo_asked, "sensor": self.sensor_asked}
        for name, icon, card_title, text in CARDS:
            card = Card(icon, card_title, text, look)
            card.clicked.connect(lambda _checked=False, name=name: signals[name].emit())
            self.cards[name] = card
            cards.addWidget(card, 1)
        self._recent_title = QLabel("Recent")
        self._recent_title.setObjectName("subheading")
        self._recent = QVBoxLayout()
        self._recent.setSpacing(0)
        column = QVBoxLayout()
        column.setSpacing(18)
        column.addLayout(head)
        column.addLayout(cards)
        column.addWidget(self._recent_title)
        column.addLayout(self._recent)
        column.addStretch(1)
        middle = QWidget()
        middle.setMaximumWidth(860)
        middle.setLayout(column)
        outer = QHBoxLayout(page)
        outer.setContentsMargins(32, 40, 32, 24)
        outer.addStretch(1)
        outer.addWidget(middle, 20)
        outer.addStretch(1)

    def show_recent(self, entries: Sequence[RecentFile]) -> None:
        while (item := self._recent.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()
        for entry in entries[:SHOWN_RECENT]:
            self._recent.addWidget(RecentRow(entry, self._look, self))
        self._recent_title.setVisible(bool(entries))
