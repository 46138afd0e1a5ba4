"""车位台账: parking spaces, the vehicles on them and to whom they are let; one row for each space, or each plate."""

from importers import columns as of
from importers.sheets.kinds import SheetKind
from importers.sheets.roster import KIND as ROSTER
from importers.things import columns as things
from importers.things.parking_plan import SUBJECTS, plan_parking
from importers.things.parking_rows import assemble
from importers.things.parking_store import load, write
from tenant.rules.terms import ParkingKind

#: The first word found decides: 人防 is said of spaces that are let as well.
KINDS_OF_SPACES = {
    ParkingKind.CIVIL_DEFENCE: "人防车位 人防",
    ParkingKind.OWNED: "产权车位 产权 自有 私家 私有 已售 购买 业主自购",
    ParkingKind.COMMON: "公共车位 公共 公用 公有 租赁 出租 月租 临停 地面 访客 非产权",
}

KIND = SheetKind(
    identifier="parking",
    label="车位台账",
    columns=(
        ROSTER.column("building"),
        ROSTER.column("section"),
        ROSTER.column("room"),
        things.SpaceColumn("space", "车位号", "车位编号 车位 泊位号 泊位 停车位 停车位号 车库号 车位号码 地库车位"),
        of.ChoiceColumn(
            "kind",
            "车位类别",
            "车位类型 车位性质 类型 类别 性质 产权性质 车位属性 使用方式",
            words=KINDS_OF_SPACES,
        ),
        of.TextColumn("location", "位置", "车位位置 区域 车库 停车场 楼层 所在楼层 所在区域", longest=50),
        of.AreaColumn("area", "车位面积", "面积 面积㎡ 建筑面积 产权面积"),
        things.PlatesColumn("plates", "车牌号", "车牌 车牌号码 车牌照 牌照 牌照号 车辆号码 车号 登记车牌 绑定车牌"),
        of.NamesColumn(
            "holder",
            "车主",
            "车主姓名 业主姓名 业主 姓名 户主 联系人 使用人 产权人 客户姓名 客户名称 登记人",
        ),
        of.PhonesColumn(
            "phone", "联系电话", "电话 手机 手机号 手机号码 电话号码 联系方式 车主电话 业主电话 承租人电话"
        ),
        of.TextColumn("description", "品牌颜色", "车型 车辆品牌 品牌 颜色 车辆型号 品牌型号 车辆颜色", longest=100),
        of.NamesColumn("lessee", "承租人", "承租方 租用人 租户 租户姓名 承租人姓名 租赁人 承租业主"),
        things.RentColumn("rent", "月租", "月租金 租金 每月租金 租金标准 收费标准 租金元月 月租费"),
        of.DayColumn("from_on", "起租日", "起租日期 租赁开始日期 开始日期 租期起 租赁起始日 起始日期 合同开始日期"),
        of.DayColumn(
            "to_on", "止租日", "止租日期 到期日 到期日期 租赁结束日期 结束日期 租期止 截止日期 合同到期日 有效期至"
        ),
        of.TextColumn("note", "备注", "说明 备注说明 备注信息"),
    ),
    required=(("space", "plates"),),
    key=("building", "section", "room", "space"),
    subjects=SUBJECTS,
    assemble=assemble,
    plan=plan_parking,
    load=load,
    write=write,
)
