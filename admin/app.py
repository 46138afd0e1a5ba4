"""The web's composition root: settings and a database in, a Flask application out."""

from datetime import timedelta
from typing import Any, Final, cast

from flask import Flask, Response, current_app, flash, g, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import Babel
from flask_login import AnonymousUserMixin
from flask_wtf import CSRFProtect
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import IntegerConverter, Map

from admin import access, auth, health, hooks, metrics, session, site
from admin.faults import is_away
from admin.references import LARGEST_ID
from tenant.db import Database
from tenant.errors import Conflict, NotFound, Refusal
from tenant.services import sign_ins
from tenant.settings import Settings

LARGEST_BODY: Final = 20 * 1024 * 1024
LARGEST_FORM: Final = 2 * 1024 * 1024
UNACCEPTABLE: Final = 422
UNAVAILABLE: Final = 503
RETRY_SECONDS: Final = 5

PAGES: Final = {
    400: ("请求不完整", "页面打开的时间太长，或请求缺少校验信息。请返回上一页，刷新后重新提交。"),
    403: ("没有权限", "您的岗位不能进行这项操作。如确有需要，请联系管理处主任或系统管理员调整任职。"),
    404: ("没有找到", "没有找到这条记录或页面。它可能不存在，或不在您的管理范围内。请返回列表重新选择。"),
    405: ("不能这样打开", "这个地址不能直接打开。请从页面上的按钮进入。"),
    409: ("已被他人修改", "这条记录在您打开之后已被他人修改。请对照最新内容，重新填写后再保存。"),
    413: ("文件过大", f"上传的内容超过 {LARGEST_BODY // 1024 // 1024} MB。请拆分文件后再上传。"),
    422: ("没有保存", "填写的内容有误。请按提示改正后再提交。"),
    429: ("尝试次数过多", "失败次数过多，暂停登录。请在 15 分钟后再试；急用请联系系统管理员重置密码。"),
    500: ("程序出错", "程序没有完成这项操作，数据没有改动。请记下请求编号，告知系统管理员。"),
    503: (
        "数据库连接不上",
        "数据库连接不上，页面暂时打不开，刚提交的内容没有保存。恢复后重新打开本页即可；持续几分钟请告知系统管理员。",
    ),
}


class RowNumber(IntegerConverter):
    """The number of a row in an address: one the database cannot hold is a page that is not there."""

    def __init__(self, url_map: Map, **options: Any) -> None:
        """Bound what the rule itself leaves open."""
        super().__init__(url_map, **{"max": LARGEST_ID} | options)


def create_app(settings: Settings, database: Database) -> Flask:
    """Return the web application; nothing is served and no thread is started."""
    application = Flask("admin", template_folder="templates", static_folder="static")
    application.config.update(_configuration(settings))
    application.url_map.converters["int"] = RowNumber
    application.json.ensure_ascii = False  # type: ignore[attr-defined]
    application.extensions["wuguan.database"] = database
    application.extensions["wuguan.settings"] = settings
    session.install(application)  # first in, so that its word on the response is the last
    metrics.install(application)
    application.before_request(_limit_forms)
    application.after_request(_protect)
    auth.install(application)
    CSRFProtect(application)
    Babel(application, locale_selector=lambda: "zh_Hans_CN", timezone_selector=lambda: access.zone_of(None))
    application.jinja_env.add_extension("jinja2.ext.loopcontrols")
    site.install(application, session.DB())
    health.install(application, database)
    hooks.install(application)
    for status in PAGES:
        application.register_error_handler(status, _error_page)
    application.register_error_handler(CSRFError, _error_page)
    application.register_error_handler(Refusal, _refused)
    application.register_error_handler(StaleDataError, _stale)
    application.register_error_handler(DBAPIError, _database_failed)
    application.register_error_handler(NoConnectionLeft, _database_away)
    if settings.trusted_proxies:
        _believe_proxies(application, settings.trusted_proxies)
    return application


def _believe_proxies(application: Flask, count: int) -> None:
    """Take address and scheme from the last ``count`` proxies: whoever else sets these headers is not believed."""
    application.wsgi_app = ProxyFix(  # type: ignore[method-assign]
        application.wsgi_app, x_for=count, x_proto=count, x_host=count
    )


def _configuration(settings: Settings) -> dict[str, Any]:
    return {
        "SECRET_KEY": settings.signing_key(),
        "SESSION_COOKIE_NAME": "__Host-wuguan" if settings.secure_cookies else "wuguan",
        "SESSION_COOKIE_SECURE": settings.secure_cookies,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_PATH": "/",
        "PERMANENT_SESSION_LIFETIME": timedelta(seconds=sign_ins.ABSOLUTE_LIMIT.total_seconds()),
        "REMEMBER_COOKIE_SECURE": settings.secure_cookies,
        "REMEMBER_COOKIE_HTTPONLY": True,
        "REMEMBER_COOKIE_SAMESITE": "Lax",
        "MAX_CONTENT_LENGTH": LARGEST_BODY,
        "MAX_FORM_MEMORY_SIZE": LARGEST_FORM,
        "SEND_FILE_MAX_AGE_DEFAULT": timedelta(hours=1),
        "WTF_CSRF_TIME_LIMIT": None,  # as long as the session, which has limits of its own
        "BABEL_DEFAULT_LOCALE": "zh_Hans_CN",
        "FLASK_ADMIN_RAISE_ON_VIEW_EXCEPTION": True,
    }


def _limit_forms() -> None:
    """Take no more than a form's worth of what is not a file: the framework's own limit spares plain forms."""
    if request.mimetype != "multipart/form-data":
        request.max_content_length = LARGEST_FORM
    elif request.endpoint == "files.upload":
        settings: Settings = current_app.extensions["wuguan.settings"]
        request.max_content_length = max(LARGEST_BODY, settings.largest_file + LARGEST_FORM)


def _protect(response: Response) -> Response:
    """Tell the browser what pages of ours may do, and keep what they show out of its cache."""
    policy = (
        f"default-src 'none'; script-src 'self' 'nonce-{g.csp_nonce}'; style-src 'self'; img-src 'self' data:; "
        "font-src 'self'; media-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    response.headers.setdefault("Content-Security-Policy", policy)  # a mail shown in a frame has one of its own
    response.headers.setdefault("X-Frame-Options", "DENY")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
    response.headers["X-Request-Id"] = g.request_id
    if request.is_secure or current_app.config["SESSION_COOKIE_SECURE"]:
        response.headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    if not (request.endpoint or "").endswith("static"):
        response.headers["Cache-Control"] = g.get("kept_by_browser", "no-store")
    return response


def wants_json() -> bool:
    """Tell whether a script asked, which needs the parts of an answer rather than a page."""
    best = request.accept_mimetypes.best_match(["text/html", "application/json"])
    return best == "application/json"


def error_answer(status: int, message: str | None = None, refusal: Refusal | None = None) -> ResponseReturnValue:
    """Return the page (or, for a script, the parts) for an error; never a word of what went wrong inside."""
    title, sentence = PAGES.get(status, PAGES[500])
    if wants_json():
        parts = refusal.as_json() if refusal else {"code": str(status), "message": message or sentence}
        return jsonify({"error": parts, "request": g.get("request_id")}), status
    page = render_template(
        "wuguan/error.html",
        status=status,
        title=title,
        message=message or sentence,
        request_id=g.get("request_id"),
        home_url=url_for("admin.index"),
    )
    return page, status


def _error_page(error: Exception) -> ResponseReturnValue:
    return error_answer(error.code or 500 if isinstance(error, HTTPException) else 500)


def _stale(_error: StaleDataError) -> ResponseReturnValue:
    return error_answer(409)


def _database_failed(error: DBAPIError) -> ResponseReturnValue:
    """Say so where the database is away; whatever else it raised is a fault of ours, and goes the way of all faults."""
    if not is_away(error):
        raise error
    return _database_away(error)


def _database_away(error: Exception) -> ResponseReturnValue:
    """Answer 503 with a page that asks the database nothing."""
    current_app.logger.error("the database is away: %s", type(error).__name__)
    g.identity = None  # the frame of a signed-in page counts what waits
    g._login_user = AnonymousUserMixin()  # noqa: SLF001 - where Flask-Login looks, before it asks the database who it is
    page, status = cast("tuple[Response | str, int]", error_answer(UNAVAILABLE))
    return page, status, {"Retry-After": str(RETRY_SECONDS)}


def _refused(refusal: Refusal) -> ResponseReturnValue:
    """Answer a refusal that no form took up: the right status for a missing row, else back where it came from."""
    if isinstance(refusal, NotFound):
        return error_answer(404)  # word for word what a missing page says
    if isinstance(refusal, Conflict):
        return error_answer(409, refusal.message, refusal)
    came_from = auth.way_on(request.form.get("url"))
    if request.method == "POST" and request.form.get("url") and not wants_json():
        flash(refusal.message, "error")
        if "session" in g:
            g.session.rollback()
        return redirect(came_from)
    return error_answer(UNACCEPTABLE, refusal.message, refusal)
