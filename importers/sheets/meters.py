"""抄表: what meters showed, one row for each meter and day; meters that are new come into being on the way."""

from importers import columns as of
from importers.sheets.kinds import SheetKind
from importers.sheets.roster import KIND as ROSTER
from importers.things import columns as things
from importers.things.meter_plan import SUBJECTS, plan_meters
from importers.things.meter_rows import assemble
from importers.things.meter_store import load, write
from tenant.rules.terms import MeterKind

KINDS_OF_METERS = {
    MeterKind.ELECTRICITY: "电表 电费 用电 电能 电",
    MeterKind.GAS: "燃气表 燃气 煤气 天然气 气表 气",
    MeterKind.HEAT: "热量表 热力 采暖 供暖 暖气 热",
    MeterKind.WATER: "水表 水费 用水 自来水 冷水 热水 中水 水",
}

KIND = SheetKind(
    identifier="meters",
    label="抄表记录",
    columns=(
        ROSTER.column("building"),
        ROSTER.column("section"),
        ROSTER.column("room"),
        things.MeterNumberColumn(
            "number",
            "表号",
            "表计编号 表计号 表编号 表具编号 表具号 仪表编号 仪表号 水表号 水表编号 "
            "电表号 电表编号 燃气表号 气表号 热量表号 表码号",
        ),
        of.ChoiceColumn(
            "kind",
            "表计种类",
            "表计类型 表类型 表种类 表种 仪表类型 能源类型 类型 种类 类别 费用类型",
            words=KINDS_OF_METERS,
        ),
        of.TextColumn("location", "安装位置", "位置 表位 安装地点 表计位置 用途", longest=100),
        things.CountColumn("factor", "倍率", "变比 互感器倍率 互感比 计量倍率", is_positive=True),
        things.CountColumn("full_scale", "满刻度", "满量程 最大读数 最大量程 量程", is_positive=True),
        things.CountColumn(
            "previous",
            "上期读数",
            "上次读数 上月读数 上期表底 上期示数 上期止度 上期止码 上次抄见 上月止码 "
            "起度 起码 起始读数 期初读数 上期数 上月底数",
        ),
        of.DayColumn("previous_on", "上期抄表日期", "上次抄表日期 上次抄表时间 上期抄表时间 上月抄表日期 起始日期"),
        things.CountColumn(
            "shown",
            "本期读数",
            "本次读数 本月读数 读数 抄表读数 本期表底 表底 表底数 本期示数 本期止度 本期止码 止度 止码 "
            "本月止码 本次抄见 抄见数 期末读数 本期数 本月底数 现读数 水表读数 电表读数 燃气表读数",
        ),
        of.DayColumn(
            "read_on", "抄表日期", "抄表时间 本期抄表日期 本次抄表日期 本期抄表时间 本次抄表时间 读数日期 抄表日 日期"
        ),
        things.CountColumn(
            "used", "用量", "本期用量 本月用量 实用量 实际用量 用水量 用电量 用气量 使用量 实用数 耗用量"
        ),
        of.TextColumn("note", "备注", "说明 备注说明 备注信息", longest=200),
    ),
    required=(("room", "number"), ("shown",), ("read_on",)),
    key=("building", "section", "room", "number"),
    subjects=SUBJECTS,
    assemble=assemble,
    plan=plan_meters,
    load=load,
    write=write,
)
