"""Proven cases that look like a picture: whose, which, and what is never among them."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from Dashboard.assess.service import Service
from Dashboard.proven import similar
from Dashboard.proven.index import Index, load, make, save
from Dashboard.proven.similar import NOTHING, SimilarCases
from Dashboard.store.schema import Vector
from Dashboard.store.store import Store

MakeService = Callable[..., Service]


def drawn(number: int, tint: Sequence[float] = (1.0, 0.7, 0.5), scale: int = 10) -> bytes:
    """A sharp picture as a PNG file; those of neighbouring numbers look alike, whatever scale."""
    noise = np.random.default_rng(1).integers(0, 200, (45, 60, 3)).astype(np.float64)
    noise[:20, : 3 * number] = 240
    image = np.kron(noise, np.ones((scale, scale, 1))) * np.array(tint)
    done, data = cv2.imencode(".png", image.astype(np.uint8)[..., ::-1])
    assert done
    return data.tobytes()


@pytest.fixture
def service(make_service: MakeService, tmp_path: Path) -> Service:
    return make_service(data_dir=tmp_path / "kept")


@pytest.fixture
def store(service: Service) -> Iterator[Store]:
    made = Store(service.config)
    yield made
    made.close()


def keep(
    store: Store,
    service: Service,
    number: int,
    histology: str | None = None,
    lesion: str = "",
    owner: str = "me",
) -> str:
    data = drawn(number)
    key = store.keep(owner, data, service.assess(data)).key
    if histology or lesion:
        named = {"name": lesion or f"L{number}", "histology": histology}
        store.change(owner, key, {"lesion": named})
    return key


def vectors(store: Store) -> int:
    with store.place.database.reading() as session:
        return session.query(Vector).count()


def test_the_nearest_come_first_and_each_lesion_once(service: Service, store: Store) -> None:
    for number, histology in ((3, "Melanoma"), (6, "nv"), (10, "see report"), (15, "SCC")):
        keep(store, service, number, histology)
    keep(store, service, 2, "Melanoma", lesion="L3")
    key = keep(store, service, 4, lesion="mine")
    found = SimilarCases(service, store).find("me", key)
    assert [one.name for one in found.neighbours] == ["L3", "L6", "L10", "L15"]
    assert [one.code for one in found.neighbours] == ["mel", "nv", None, "akiec"]
    assert found.neighbours[2].diagnosis == "see report"
    assert {one.malignant for one in found.neighbours[2:]} == {None, True}
    assert (found.own, found.indexed, found.pending, found.reason) == (4, 0, 0, "")
    assert (found.model, found.version) == ("plain", "0.1")
    assert len(SimilarCases(service, store).find("me", key, 2).neighbours) == 2


def test_what_is_never_a_neighbour(service: Service, store: Store) -> None:
    key = keep(store, service, 5, "nv", lesion="mine")
    keep(store, service, 6, "nv", lesion="mine")
    keep(store, service, 5, "nv", lesion="the same picture")
    keep(store, service, 7)
    keep(store, service, 7, lesion="without histology")
    keep(store, service, 5, "nv", owner="you")
    found = SimilarCases(service, store).find("me", key)
    assert (found.neighbours, found.reason) == ([], NOTHING)


def test_a_rejected_picture_is_not_compared(
    service: Service, store: Store, encode: Callable[..., bytes]
) -> None:
    data = encode("pale")
    key = store.keep("me", data, service.assess(data)).key
    found = SimilarCases(service, store).find("me", key)
    assert found.reason == "The picture was not judged, so it is not compared with others."


def test_vectors_are_kept_with_the_rows_and_go_with_them(service: Service, store: Store) -> None:
    keys = [keep(store, service, number, "nv") for number in range(3)]
    assert vectors(store) == 3
    predictor = service.predictor("plain")
    before = predictor.calls  # type: ignore[attr-defined]
    SimilarCases(service, store).find("me", keys[0])
    assert predictor.calls == before  # type: ignore[attr-defined]
    store.delete("me", keys[1])
    assert vectors(store) == 2
    store.delete_all("me")
    assert vectors(store) == 0


def test_what_another_model_saw_is_worked_out_bit_by_bit(
    service: Service, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [keep(store, service, number, "nv") for number in range(4)]
    with store.place.database.writing("test") as session:
        session.query(Vector).update({"version": "0.0"})
        session.query(Vector).filter(Vector.item_id == 2).delete()  # kept before there were any
    monkeypatch.setattr(similar, "FILL_SECONDS", 0.0)
    cases = SimilarCases(service, store)
    left = [cases.find("me", keys[0]) for _ in range(4)]
    assert [one.pending for one in left] == [3, 2, 1, 0]
    assert [len(one.neighbours) for one in left] == [0, 1, 2, 3]
    assert left[0].reason == ""  # some are still to come
    with store.place.database.reading() as session:
        assert {one.version for one in session.query(Vector)} == {"0.1"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared data set of 110 pictures of 55 lesions, and one that cannot be read."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "images").mkdir(parents=True)
    rows = ["image_id,path,dx,lesion_id,age,sex,localization,dx_type,mask"]
    tints = np.random.default_rng(2).uniform(0.3, 1, (55, 3))
    for number in range(110):
        path = f"images/i{number}.png"
        (folder / path).write_bytes(drawn(number % 20, tints[number % 55], scale=1))
        code = "nv" if number % 2 else "mel"
        rows.append(f"i{number},{path},{code},D{number % 55},,,,follow_up,")
    rows.append("gone,images/gone.png,nv,D99,,,,histo,")
    (folder / "index.csv").write_text("\n".join(rows))
    return folder


@pytest.fixture(scope="module")
def index(make_service: MakeService, data: Path) -> Index:
    made, failed = make(make_service(), "plain", data, jobs=2)
    assert len(failed) == 1
    assert "gone.png" in failed[0]
    return made


def test_an_index_is_read_as_it_was_written(index: Index, data: Path, tmp_path: Path) -> None:
    assert (len(index), index.count) == (110, 55)
    save(replace(index, thumbnails=[b"%d" % n for n in range(110)]), tmp_path / "a.npz")
    again = load(tmp_path / "a.npz")
    assert (again.vectors == index.vectors).all()
    assert again.thumbnails[:2] == [b"0", b"1"]
    assert (again.data, again.names["nv"]) == (data.resolve(), "Melanocytic nevi")
    assert index.picture(3) == (data / "images/i3.png").read_bytes()
    assert replace(index, data=tmp_path).picture(3) is None


def test_neighbours_of_an_index_stand_beside_the_own(
    make_service: MakeService, index: Index, tmp_path: Path
) -> None:
    save(index, tmp_path / "similar-cases.npz")
    service = make_service(data_dir=tmp_path / "kept", index=tmp_path)
    store = Store(service.config)
    keep(store, service, 9, "Melanoma", lesion="own")
    key = keep(store, service, 10)
    found = SimilarCases(service, store).find("me", key, 50)
    names = [one.name for one in found.neighbours]
    assert (found.own, found.indexed, len(names)) == (1, 55, 50)
    assert len(set(names)) == 50
    assert names[0] == "own"
    first, second = found.neighbours[:2]
    assert (first.row, first.proven, second.key, second.proven) == (
        None, "histology", None, "follow-up"
    )  # fmt: skip
    assert first.similarity > second.similarity
    assert first.alike == "very like it"
    assert sum(n for _, n in found.counts) == 50
    # A picture of the index itself is no neighbour of itself.
    data = (index.data / str(index.paths[4])).read_bytes()
    again = store.keep("me", data, service.assess(data)).key
    assert all(one.row != 4 for one in SimilarCases(service, store).find("me", again).neighbours)
    store.close()


def test_a_lesion_of_the_index_may_be_one_of_the_own(
    make_service: MakeService, index: Index, tmp_path: Path
) -> None:
    save(index, tmp_path / "similar-cases.npz")
    service = make_service(data_dir=tmp_path / "kept", index=tmp_path)
    store = Store(service.config)
    keep(store, service, 9, "Melanoma", lesion="D0")
    key = keep(store, service, 10, lesion="D1")
    found = SimilarCases(service, store).find("me", key, 50).neighbours
    names = [one.name for one in found]
    assert (names.count("D0"), names.count("D1"), len(names)) == (1, 0, 50)
    store.close()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda index: replace(index, version="0.0"), "was made by plain 0.0, this server's model"),
        (lambda index: replace(index, model="careful"), "was made by careful 0.1"),
        (lambda _: None, "cannot be read: No such file or directory"),
    ],
)
def test_an_index_that_cannot_be_used_is_refused_in_a_sentence(
    make_service: MakeService,
    index: Index,
    tmp_path: Path,
    change: Callable[[Index], Index | None],
    sentence: str,
) -> None:
    made = change(index)
    path = tmp_path / "similar-cases.npz"
    if made is not None:
        save(made, path)
    service = make_service(index=path)
    cases = SimilarCases(service, Store(service.config))
    assert cases.index is None
    assert cases.notice.startswith("The prepared cases are not shown: INDEX: ")
    assert sentence in cases.notice


@pytest.mark.parametrize("kind", ["text", "npz", "columns"])
def test_a_file_that_is_no_index(make_service: MakeService, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.npz"
    if kind == "text":
        path.write_text("no archive")
    elif kind == "npz":
        np.savez(path, vectors=np.zeros(3))
    else:
        np.savez(path, about=np.array(json.dumps({"format": 1})), ids=np.array(["a"], object))
    service = make_service(index=path)
    assert "is no index of this version" in SimilarCases(service, Store(service.config)).notice
