"""The `score` command between parsing and printing. Needs torch."""

from collections.abc import Callable, Sequence
from pathlib import Path

from interpretability.attribution.explainer import Explainer, Unsupported
from interpretability.faithfulness import report, scoring
from interpretability.faithfulness.subject import Subject
from interpretability.method import check_precision
from interpretability.methods import METHODS, get_method
from interpretability.rendering import overlay
from quality import read
from quality.output import write_text

PAGE = "index.html"


def run(
    split: Path,
    n: int,
    out: Path,
    model: str,
    methods: Sequence[str],
    precision: str,
    costly: int,
    examples: int,
    seed: int,
    processes: int,
    done: Callable[[int], None],
) -> Path:
    """Score `n` lesions and write the tables; returns the page.

    Raises ValueError for anything unknown, Unsupported for a method named that does not work with
    the model.
    """
    check_precision(precision)
    explainer = Explainer(model)
    for name in methods:
        get_method(name)
        refusal = explainer.refusal(name)
        if refusal:
            raise Unsupported(refusal)
    chosen = list(methods) or [name for name in METHODS if not explainer.refusal(name)]
    lesions = scoring.sample(split, n, seed)
    subject = Subject(explainer, precision, scoring.calibration(lesions))
    scoring.score_all(subject, lesions, chosen, out, costly, done, processes)
    wanted = {one.image_id for one in lesions}
    rows, pairs = (
        [row for row in scoring.read_rows(out / name) if row["image_id"] in wanted]
        for name in (scoring.ROWS_FILE, scoring.AGREEMENT_FILE)
    )
    card = explainer.card
    title = f"Faithfulness of explanations: {card.name}"
    about = (
        f"{n} lesions of {split.name}, one picture each, chosen with seed {seed}; predicted class, "
        f"precision {precision}, model version {card.version}. Means with 95 % bootstrap intervals "
        f"over lesions; sensitivity and randomisation over the first {min(costly, n)}."
    )
    summary = report.summarise(rows)
    shown = [_example(subject, one, chosen) for one in lesions[:examples]]
    texts = {
        "summary.csv": report.as_csv(summary),
        "summary.md": report.as_markdown(summary, title, about),
        PAGE: report.as_html(summary, report.agreement(pairs), title, about, shown),
    }
    for name, text in texts.items():
        write_text(out / name, text)
    return out / PAGE


def _example(subject: Subject, lesion: scoring.Lesion, methods: Sequence[str]) -> tuple[str, bytes]:
    picture = read(lesion.path)
    found = [
        subject.explainer.explain(picture, method=name, precision=subject.precision)
        for name in methods
    ]
    titles = [METHODS[name].label for name in methods]
    sheet = overlay.side_by_side(picture, [one.map for one in found], titles, columns=6)
    caption = (
        f"{lesion.image_id}: {lesion.dx}; predicted {found[0].target} ({found[0].probability:.2f})"
    )
    return caption, overlay.png(sheet)
