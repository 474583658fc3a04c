"""Scoring in several processes, each on cores of its own: a map uses few of them at once."""

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import starmap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.inference.cores import usable_cores
from quality.arrays import RGBImage

if TYPE_CHECKING:
    from interpretability.faithfulness.subject import Subject

_subject: "Subject"


def scored(
    work: Callable[..., Any], subject: "Subject", jobs: Iterable[Sequence[Any]], processes: int
) -> Iterator[Any]:
    """`work(subject, *job)` of every job, in their order. work: a module's function.

    Raises OSError where a process was stopped from outside.
    """
    jobs = list(jobs)
    if processes == 1:
        yield from starmap(work, ((subject, *job) for job in jobs))
        return
    _ = subject.explainer.classifier  # makes the export, once
    context = multiprocessing.get_context("spawn")
    places = context.SimpleQueue()
    for place in range(processes):
        places.put(place)
    made_of = (subject.explainer.folder, subject.precision, subject.calibration)
    with ProcessPoolExecutor(
        processes, context, initializer=_begin, initargs=(places, processes, *made_of)
    ) as pool:
        try:
            yield from pool.map(_do, [work] * len(jobs), jobs)
        except BrokenProcessPool:
            raise ChildProcessError(
                "a process that scores was stopped; the same command goes on from here"
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)


def _begin(
    places: Any, processes: int, folder: Path, precision: str, calibration: "list[RGBImage]"
) -> None:
    """Take a share of the cores before the libraries that count them are loaded, and open all."""
    place = places.get()
    threads = max(1, usable_cores() // processes)
    if hasattr(os, "sched_setaffinity"):
        mine = sorted(os.sched_getaffinity(0))[place * threads :][:threads]
        os.sched_setaffinity(0, mine or os.sched_getaffinity(0))
    import cv2
    import torch

    from interpretability.attribution.explainer import Explainer
    from interpretability.faithfulness.subject import Subject

    cv2.setNumThreads(threads)
    torch.set_num_threads(threads)
    global _subject
    _subject = Subject(Explainer(folder), precision, calibration)


def _do(work: Callable[..., Any], job: Sequence[Any]) -> Any:
    return work(_subject, *job)
