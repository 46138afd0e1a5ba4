"""The sentences by which a whole file is refused: what is wrong with it, and what to do."""

from __future__ import annotations

from tenant.errors import Refusal

_AS_XLSX = "请用 Excel 或 WPS 打开，另存为「Excel 工作簿（.xlsx）」后再上传。"
_AS_NEW = "请把名册内容复制到一个新建的工作簿（只贴数值），保存后上传。"
_FOR_SAFETY = f"为安全起见没有打开。{_AS_NEW}"

SENTENCES = {
    "file_empty": "这个文件是空的，没有任何内容。请确认选对了文件，保存后重新上传。",
    "file_too_large": "文件超过 {limit}，不能导入。请按楼栋拆成几个文件，或删去图片和无关的工作表后重新上传。",
    "not_a_workbook": f"这个文件不是 Excel 工作簿，无法读取。{_AS_XLSX}",
    "workbook_is_web_page": f"这个文件其实是网页（HTML/XML），只是扩展名像表格。{_AS_XLSX}",
    "workbook_binary": f"这是二进制工作簿（.xlsb），不能直接导入。{_AS_XLSX}",
    "workbook_encrypted": "工作簿设有打开密码，无法读取。"
    "请在 Excel 中取消密码（文件 → 信息 → 保护工作簿），保存后重新上传。",
    "workbook_damaged": "工作簿已损坏或上传不完整，无法读取。"
    "请重新取得完整的文件；如果它在 Excel 中能打开，请另存为 .xlsx 后再上传。",
    "workbook_bomb": f"文件解压后异常庞大，{_FOR_SAFETY}",
    "workbook_entities": f"文件里含有表格程序不会写入的声明，{_FOR_SAFETY}",
    "workbook_too_many_parts": f"文件内部的部件多得异常，{_FOR_SAFETY}",
    "workbook_too_large": "工作簿里的单元格太多。请按楼栋拆成几个文件，并删去无关的工作表后重新上传。",
    "text_unreadable": f"文本文件的编码无法识别。{_AS_XLSX}",
    "text_utf16_unmarked": "文本文件是 UTF-16 编码，但开头没有编码标记，无法确认内容。"
    f"请用记事本打开，另存时把编码选为「UTF-8」，再上传；{_AS_XLSX}",
    "text_big5": "文本文件是繁体中文的 Big5 编码，读出来会是乱码。"
    f"请用记事本打开，另存时把编码选为「UTF-8」，再上传；{_AS_XLSX}",
    "text_quotes": f"文本文件里有一个引号没有成对，后面的行分不清楚了。请补上或删去这个引号；{_AS_XLSX}",
    "workbook_far": "表格在很远的行或列里有零散内容，撑大了整个工作簿，无法读取。"
    f"请删去表格以外的行和列，或者改用新文件：{_AS_NEW}",
    "reader_died": f"读取这个工作簿时内存超出上限，或者它的内部结构异常，已停止。{_AS_NEW}",
    "reader_too_slow": f"读取这个工作簿用时过长，已停止。{_AS_NEW}或者按楼栋拆成几个文件。",
    "reader_unavailable": "系统此刻无法启动读取程序（内存或进程数不足），文件没有问题。"
    "请过几分钟再上传；若仍不行，请告知系统管理员。",
    "sheet_not_found": "工作簿里没有可以读取的工作表。请确认名册所在的工作表没有被隐藏，保存后重新上传。",
    "kind_unknown": "不认识的导入类型「{kind}」。可用的类型：{known}。",
}


def file(code: str, **parts: str) -> Refusal:
    """Return the refusal of a whole file; an unknown code reads as damage, so that no file is ever let through."""
    code = code if code in SENTENCES else "workbook_damaged"
    return Refusal(code=code, message=SENTENCES[code].format(**parts), field="file")
