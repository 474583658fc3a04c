"""A run's log as a figure: curves by epoch in one page that needs no network."""

from pathlib import Path

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from quality.output import write_text
from retraining.training.config import TrainConfig
from retraining.training.run_folder import CURVES_FILE, Epoch, best_epoch

PANELS = (
    ("Loss", {"loss": "train", "val_loss": "val"}),
    (
        "Scores on val",
        {
            "val_macro_auc": "macro AUC",
            "val_balanced_accuracy": "balanced accuracy",
            "val_macro_f1": "macro F1",
        },
    ),
    ("Learning rate", {"lr": "learning rate"}),
    ("Seconds", {"seconds": "epoch"}),
)
COLOURS = ("#1c7ed6", "#e8590c", "#2f9e44")


def figure(config: TrainConfig, log: list[Epoch]) -> go.Figure:
    """Curves of a log with a row per epoch; the kept epoch is marked."""
    made = make_subplots(2, 2, subplot_titles=[title for title, _ in PANELS])
    epochs = [row["epoch"] for row in log]
    for place, (_, columns) in enumerate(PANELS):
        row, col = divmod(place, 2)
        for colour, (column, name) in zip(COLOURS, columns.items(), strict=False):
            made.add_trace(
                go.Scatter(
                    x=epochs,
                    y=[entry.get(column) for entry in log],
                    name=name,
                    mode="lines+markers",
                    line={"color": colour},
                    legend="legend" if place == 0 else f"legend{place + 1}",
                ),
                row=row + 1,
                col=col + 1,
            )
        axis = "" if place == 0 else str(place + 1)
        x, y = made.layout[f"xaxis{axis}"].domain, made.layout[f"yaxis{axis}"].domain
        legend = {"x": x[1], "y": y[1], "xanchor": "right", "yanchor": "top"}
        made.layout[f"legend{axis}"] = legend | {"bgcolor": "rgba(255,255,255,0.7)"}
    best = best_epoch(config, log)
    made.add_vline(x=best, line={"dash": "dot", "color": "#868e96"})
    made.update_xaxes(title_text="epoch")
    made.update_layout(
        template="plotly_white",
        title=f"{config.backbone}, {config.recipe or 'own settings'}: epoch {best} is kept, "
        f"by {config.best_by}",
        margin={"t": 90},
    )
    return made


def write_curves(out: Path, config: TrainConfig, log: list[Epoch]) -> None:
    """Write the figure of a log into its run folder."""
    write_text(out / CURVES_FILE, figure(config, log).to_html(include_plotlyjs=True))
