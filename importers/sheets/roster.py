"""业主名册: units, who owns them, who lives there, and how to reach them; one row for each unit, or for each owner."""

from importers import columns as of
from importers.roster.plain import assemble_plain
from importers.roster.planning import plan_roster
from importers.roster.rows import assemble
from importers.roster.store import load, standing, write
from importers.sheets.kinds import SheetKind
from tenant.rules.terms import HandoverState, OccupantRelation, UnitUsage

USAGES = {
    UnitUsage.RESIDENCE: "住宅 居住 公寓 别墅 洋房 高层 多层 复式",
    UnitUsage.SHOP: "商铺 商业 商用 门面 底商 店铺 店",
    UnitUsage.OFFICE: "写字楼 办公",
    UnitUsage.PARKING: "车位 车库",
    UnitUsage.OTHER: "其他 其它 储藏 仓库 会所 幼儿园 配套",
}
#: The first word found decides: 未 must be asked before 入住.
HANDED_OVER = {
    HandoverState.PENDING: "未交房 未交 未收 未入住 未办 未领 待交 没交 否 未 × ✗ X N NO FALSE",
    HandoverState.HANDED_OVER: "已交房 已交 已收 已入住 已办 已领 入住 是 有 已 √ ✓ ✔ V Y YES TRUE",
}

#: 家属 must be asked before 业主: 业主家属 is not the owner.
RELATIONS = {
    OccupantRelation.FAMILY: "家属 家人 家庭成员 配偶 夫妻 丈夫 妻子 子女 儿子 女儿 父母 父亲 母亲 父子 父女 母子 母女 "
    "亲属 亲戚 兄弟 姐妹",
    OccupantRelation.RENTER: "租户 租客 承租 租赁 租住 出租 租",
    OccupantRelation.OWNER: "业主本人 本人 业主 户主 自住 自用",
    OccupantRelation.OTHER: "其他 其它 员工 保姆 朋友 借住 使用人",
}

KIND = SheetKind(
    identifier="roster",
    label="业主名册",
    columns=(
        of.BuildingColumn("building", "楼栋", "栋号 幢 栋 幢号 楼号 楼栋号 楼幢 座 座号 楼宇 栋座 楼 楼座 楼栋名称"),
        of.SectionColumn("section", "单元", "单元号 梯号 门洞 门栋 单元名称"),
        of.RoomColumn(
            "room",
            "房号",
            "室号 室 房间号 房间 房屋 房屋号 房屋编号 房间编号 门牌 门牌号 户号 房产 "
            "单元房号 楼栋房号 楼号房号 楼栋单元房号 楼单元房号 栋单元房号 "
            "铺号 商铺号 坐落 房屋坐落 房屋地址 物业地址 房产地址",
        ),
        of.NamesColumn(
            "owners",
            "业主姓名",
            "业主 业主名称 业主名 姓名 产权人 产权人姓名 户主 户主姓名 客户姓名 客户名称 房主 房主姓名 所有权人 权利人",
        ),
        of.PhonesColumn(
            "phones",
            "联系电话",
            "手机 手机号 手机号码 电话 电话号码 联系方式 联系号码 业主电话 业主手机 移动电话 "
            "联系手机 业主联系电话 联系电话1 电话1",
            spare="more_phones",
        ),
        of.PhonesColumn(
            "more_phones", "备用电话", "其他电话 固定电话 座机 家庭电话 联系电话2 电话2 手机2 紧急联系电话"
        ),
        of.EmailColumn("email", "电子邮箱", "邮箱 电子邮件 邮件 邮件地址 邮箱地址 业主邮箱 Email E-mail"),
        of.DocumentsColumn(
            "documents",
            "身份证号",
            "身份证 身份证号码 证件号 证件号码 业主身份证号 公民身份号码 身份证件号 身份证件号码 证照号码 有效证件号码",
        ),
        of.AreaColumn(
            "area", "建筑面积", "面积 房屋面积 产权面积 计费面积 收费面积 建面 建筑面积㎡ 建筑面积平米 面积㎡ 面积m2"
        ),
        of.ChoiceColumn(
            "usage",
            "使用性质",
            "房屋类型 房屋用途 用途 房屋性质 物业类型 业态 性质 房产类型 房屋使用性质",
            words=USAGES,
        ),
        of.ChoiceColumn(
            "handover_state",
            "交房状态",
            "是否交房 是否收房 交付状态 收房状态 是否入住 入住状态",
            words=HANDED_OVER,
        ),
        of.DayColumn(
            "handed_over_on",
            "交房日期",
            "交房时间 收房日期 收房时间 交付日期 交付时间 入住日期 入住时间 入伙日期 入伙时间",
        ),
        of.DayColumn("owned_from_on", "产权登记日期", "过户日期 过户时间 产权日期 产权变更日期 登记日期"),
        of.NamesColumn(
            "occupants",
            "住户姓名",
            "住户 租户 租户姓名 租客 租客姓名 承租人 承租人姓名 使用人 使用人姓名 实际使用人 实际居住人 居住人 "
            "居住人姓名 常住人员 常住人",
        ),
        of.PhonesColumn(
            "occupant_phones",
            "住户电话",
            "租户电话 租客电话 承租人电话 使用人电话 居住人电话 住户手机 租户手机 租客手机 租户联系电话 住户联系电话 "
            "租客联系电话 承租人联系电话 使用人联系电话",
        ),
        of.ChoiceColumn(
            "occupant_relation",
            "与业主关系",
            "住户关系 与户主关系 与产权人关系 居住性质 住户类别 住户类型",
            words=RELATIONS,
        ),
        of.TextColumn("note", "备注", "说明 备注说明 备注信息"),
        of.NumberColumn("own_number", "系统业主号"),
    ),
    required=(("room",), ("owners",)),
    key=("building", "section", "room"),
    subjects={"units": "房屋", "owners": "业主", "ownerships": "产权", "occupants": "住户"},
    assemble=assemble,
    plan=plan_roster,
    load=load,
    write=write,
    standing=standing,
    assemble_plain=assemble_plain,
)
