"""Mantine's theme: the house's colours and type in the shape that MantineProvider takes.

The same colours stand as CSS variables in `assets/shell/base.css`.
"""

from typing import Any

FONT_STACK = (
    'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", '
    '"Liberation Sans", Arial, sans-serif'
)
MONO_STACK = 'ui-monospace, "SF Mono", "Cascadia Mono", Menlo, "Liberation Mono", monospace'
# From the lightest to the darkest; Mantine paints with 6 in the light scheme, 3 in the dark one.
PETROL = (
    "#e9f4f4",
    "#d3e7e8",
    "#a5d0d2",
    "#6cc5c9",
    "#3f9da2",
    "#1b777d",
    "#0b5a60",
    "#094b50",
    "#073b3f",
    "#052c2f",
)
# Mantine's dark scheme: text from the first on, surfaces from the sixth on.
SLATE = (
    "#e6efed",
    "#c3d2cf",
    "#a5b8b4",
    "#8b9f9b",
    "#6f837e",
    "#2a3b38",
    "#1b2a28",
    "#15211f",
    "#111b19",
    "#0e1716",
)

# Mantine's own red and yellow are too faint for text on a light page.
RED = (
    "#fbecef",
    "#f6d5dc",
    "#f0b3c0",
    "#ff9db3",
    "#e0708f",
    "#c9506f",
    "#a8324f",
    "#8f2440",
    "#6e2c40",
    "#34151f",
)
AMBER = (
    "#fdf3df",
    "#f7e3bb",
    "#f3d38f",
    "#f0c36d",
    "#d9a441",
    "#a66d0c",
    "#7a4b00",
    "#664000",
    "#523300",
    "#2e2310",
)

THEME: dict[str, Any] = {
    "primaryColor": "petrol",
    "primaryShade": {"light": 6, "dark": 3},
    "colors": {
        "petrol": list(PETROL),
        "dark": list(SLATE),
        "red": list(RED),
        "yellow": list(AMBER),
    },
    "black": "#12211f",
    "fontFamily": FONT_STACK,
    "fontFamilyMonospace": MONO_STACK,
    # Dash puts a box around what opens a popover, and a box may not say that it is expanded.
    "components": {"Popover": {"defaultProps": {"withRoles": False}}},
    "headings": {"fontFamily": FONT_STACK, "fontWeight": "650"},
    "defaultRadius": "md",
    "cursorType": "pointer",
    "focusRing": "auto",
    "autoContrast": True,
    "respectReducedMotion": True,
}
