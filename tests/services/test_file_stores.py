"""A store keeps whole files under keys that say nothing: the same for a folder and for a bucket."""

import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import boto3
import pytest
from moto.moto_server.threaded_moto_server import ThreadedMotoServer
from sqlalchemy import select

import pictures
from admin import doctor
from cast import Cast
from desk import at_desk, complaint, request
from tenant import clock
from tenant.errors import NotFound, Refusal, SettingsError
from tenant.files import FileGone, Store, StoreDown, new_key, open_store, prepared
from tenant.models import Attachment
from tenant.rules.terms import AttachmentPurpose, Role
from tenant.services import attachments, requests
from tenant.settings import Bucket, Settings

LARGE = bytes(range(256)) * 4000
LARGEST = 10**7


@pytest.fixture(scope="module")
def s3():
    """The address of a server that speaks S3, with a bucket; its keys are invented."""
    with pytest.MonkeyPatch.context() as patched:
        for name, value in {"AWS_ACCESS_KEY_ID": "invented", "AWS_SECRET_ACCESS_KEY": "invented"}.items():
            patched.setenv(name, value)
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        address = f"http://{host}:{port}"
        boto3.client("s3", endpoint_url=address, region_name="us-east-1").create_bucket(Bucket="wuguan")
        yield address
        server.stop()


@pytest.fixture(params=["folder", "bucket"])
def settings(request, tmp_path, s3) -> Settings:
    """Settings of a deployment that keeps its files in a folder, and of one that keeps them in a bucket."""
    environment = {"WUGUAN_HOME": str(tmp_path)}
    if request.param == "bucket":
        environment["WUGUAN_FILES"] = f"s3://wuguan/{tmp_path.name}/files?endpoint={s3}"
    return Settings.from_environment(environment)


@pytest.fixture
def store(settings) -> Store:
    """The store of these settings."""
    return open_store(settings)


def test_what_is_put_is_read_whole_and_in_parts_and_removed(store):
    key, other = new_key(), new_key()
    store.put(key, LARGE, "application/pdf")
    store.put(other, b"other", "application/pdf")
    assert b"".join(store.read(key)) == LARGE
    assert b"".join(store.read(key, 300_000, 700_123)) == LARGE[300_000:700_123]
    assert b"".join(store.read(key, len(LARGE) - 3)) == LARGE[-3:]
    listed = {found.key: found.at for found in store.listed()}
    assert listed.keys() == {key, other}
    assert all(abs(at - clock.now()) < timedelta(minutes=1) for at in listed.values())
    store.remove(key)
    store.remove(key)
    assert [found.key for found in store.listed()] == [other]
    with pytest.raises(FileGone):
        store.read(key)


@pytest.mark.parametrize("key", ["", "short", "../../../../etc/passwd", "a" * 65, "x" * 40 + "/..", "x" * 40 + "\0"])
def test_what_is_no_key_is_nothing_in_the_store(store, key):
    for act in (lambda: store.read(key), lambda: store.put(key, b"x", "text/plain"), lambda: store.remove(key)):
        with pytest.raises(FileGone):
            act()


def test_keys_are_long_random_and_never_the_same():
    keys = {new_key() for _ in range(2000)}
    assert len(keys) == 2000
    assert {len(key) for key in keys} == {43}


def test_others_on_the_machine_cannot_read_the_folder(tmp_path):
    store = open_store(Settings(home=tmp_path))
    key = new_key()
    store.put(key, b"of somebody", "text/plain")
    path = tmp_path / "files" / key[:2] / key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_store_that_is_not_there_says_so_and_never_with_a_secret(tmp_path, s3):
    (tmp_path / "file").write_text("no folder")
    there = [
        Settings(home=tmp_path, files=tmp_path / "file"),
        Settings(home=tmp_path, files=Bucket("nobody-has-this", endpoint=s3)),
    ]
    for settings in there:
        store = open_store(settings)
        for act in (lambda: store.put(new_key(), b"x", "text/plain"), lambda: list(store.listed())):  # noqa: B023
            with pytest.raises(StoreDown) as down:
                act()
            assert "无法读写" in str(down.value) or "不可用" in str(down.value)
        found = doctor._files(settings)
        assert (found.ok, found.name) == (False, "files")
        assert "WUGUAN_FILES" in found.advice


def test_the_doctor_tries_the_store_and_leaves_nothing_behind(settings, store):
    found = doctor._files(settings)
    assert (found.ok, found.advice, found.value) == (True, None, store.place)
    assert list(store.listed()) == []


@pytest.mark.parametrize(
    ("text", "files"),
    [
        ("/srv/wuguan/files", "/srv/wuguan/files"),
        ("s3://bucket", Bucket("bucket")),
        ("s3://bucket/a/b/", Bucket("bucket", "a/b/")),
        ("s3://b/p?endpoint=https://oss.invalid&region=cn-1", Bucket("b", "p/", "https://oss.invalid", "cn-1")),
    ],
)
def test_the_setting_names_a_folder_or_a_bucket(tmp_path, text, files):
    read = Settings.from_environment({"WUGUAN_HOME": str(tmp_path), "WUGUAN_FILES": text}).files
    assert (str(read) if isinstance(files, str) else read) == files


@pytest.mark.parametrize(
    "text",
    [
        "files",
        "s3://",
        "s3://key:secret@bucket",
        "https://bucket",
        "s3://bucket?endpoint=oss.invalid",
        "s3://bucket?endpoint=https://key:secret@oss.invalid",
        "s3://bucket?acl=public",
    ],
)
def test_a_setting_that_names_neither_is_refused_without_its_options(tmp_path, text):
    with pytest.raises(SettingsError) as refused:
        Settings.from_environment({"WUGUAN_HOME": str(tmp_path), "WUGUAN_FILES": text})
    assert (refused.value.code, refused.value.field) == ("bad_files", "WUGUAN_FILES")
    assert "oss.invalid" not in refused.value.message


def test_the_limit_of_a_file_is_a_setting(tmp_path):
    assert Settings.from_environment({"WUGUAN_HOME": str(tmp_path), "WUGUAN_FILE_MB": "3"}).largest_file == 3 * 2**20
    with pytest.raises(SettingsError) as refused:
        Settings.from_environment({"WUGUAN_HOME": str(tmp_path), "WUGUAN_FILE_MB": "0"})
    assert "WUGUAN_FILE_MB" in refused.value.message
    with pytest.raises(Refusal) as large:
        prepared("大.pdf", pictures.PDF + bytes(4 * 2**20), 3 * 2**20)
    assert large.value.message.startswith("「大.pdf」有 4.0 MB，超过单个文件 3 MB 的上限")


# ---- files of matters
@pytest.fixture
def matter(database, cast: Cast):
    """A request of the north."""
    with at_desk(database, cast.north) as session:
        row = request(session, cast.north)
        session.commit()
        return row


def test_a_file_hangs_on_its_matter_with_who_brought_it_when_and_for_what_a_w9(database, cast, store, matter):
    made = prepared("完工.jpg", pictures.photo(), LARGEST)
    with at_desk(database, cast.north) as session:
        order = requests.dispatch(session, matter.id, cast.north.engineering.id)
        row, is_new = attachments.attach(
            session, store, matter.ticket_id, made,
            purpose=AttachmentPurpose.AFTER, note=" 换了三通 ", work_order_id=order.id,
        )  # fmt: skip
        session.commit()
        assert is_new
        assert (row.purpose, row.note, row.work_order_id) == (AttachmentPurpose.AFTER, "换了三通", order.id)
        assert (row.added_by_id, row.office_id) == (cast.north.people[Role.FRONT_DESK].id, cast.north.id)
        assert [found.id for found in attachments.of_ticket(session, matter.ticket_id)] == [row.id]
    assert b"".join(store.read(row.key)) == made.content
    assert b"".join(store.read(row.thumbnail_key)) == made.thumbnail


def test_a_foreign_matter_an_order_of_another_and_a_foreign_file_are_not_found(database, cast, store, matter):
    made = prepared("照片.jpg", pictures.photo(), LARGEST)
    with at_desk(database, cast.north) as session:
        row, _ = attachments.attach(session, store, matter.ticket_id, made)
        other = requests.dispatch(session, request(session, cast.north).id, cast.north.engineering.id)
        with pytest.raises(NotFound):
            attachments.attach(session, store, matter.ticket_id, made, work_order_id=other.id)
        session.commit()
    with at_desk(database, cast.south) as session:
        for act in (
            lambda: attachments.attach(session, store, matter.ticket_id, made),
            lambda: attachments.remove(session, row.id, "误传"),
            lambda: attachments.by_id(session, row.id),
            lambda: attachments.by_key(session, row.key),
            lambda: attachments.by_key(session, row.thumbnail_key),
        ):
            with pytest.raises(NotFound):
                act()
        assert list(attachments.of_ticket(session, matter.ticket_id)) == []


def test_the_same_file_sent_at_once_from_two_windows_hangs_there_once(database, cast, store, matter):
    made = prepared("照片.jpg", pictures.photo(), LARGEST)
    together = threading.Barrier(2)

    def send(_number: int) -> bool:
        with at_desk(database, cast.north) as session:
            together.wait(10)
            attached = attachments.attach(session, store, matter.ticket_id, made)
            session.commit()
            return attached.is_new

    with ThreadPoolExecutor(2) as windows:
        assert sorted(windows.map(send, range(2))) == [False, True]
    with at_desk(database, cast.north) as session:
        found = session.scalars(select(Attachment).where(Attachment.ticket_id == matter.ticket_id)).all()
    assert len(found) == 1


def test_letters_hang_on_complaints_as_on_any_matter_a_c9(database, cast, store):
    with at_desk(database, cast.north) as session:
        row = complaint(session, cast.north)
        letter, _ = attachments.attach(session, store, row.ticket_id, prepared("来函.pdf", pictures.PDF, LARGEST))
        assert (letter.media_type, letter.thumbnail_key, letter.width) == ("application/pdf", None, None)
        with pytest.raises(Refusal) as refused:
            attachments.remove(session, letter.id, " ")
        assert refused.value.field == "why"
        long = "长" * 201
        with pytest.raises(Refusal):
            attachments.remove(session, letter.id, long)
        gone = attachments.remove(session, letter.id, "重复")
        assert attachments.remove(session, letter.id, "又一次").removed_why == gone.removed_why == "重复"
