"""Names, numbers and sentences for the invented group."""

from random import Random

SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦许何吕施张孔曹严华金魏陶姜谢邹窦章苏潘葛范彭鲁马方任袁柳"
GIVEN = "安宁和平明远志文思齐子墨雨桐晓晨佳怡浩然梓轩欣妍一诺嘉禾若水清越景行知夏书瑶云舒长风"

REPAIRS = (
    "厨房水槽下方漏水，地面已有积水",
    "卫生间地漏返味，下水缓慢",
    "客厅空调插座无电",
    "单元门禁刷卡无反应",
    "楼道声控灯不亮，夜间行走不便",
    "阳台推拉门滑轮损坏，无法关闭",
    "入户门锁芯转动困难",
    "卧室天花板有渗水痕迹",
    "热水器接口滴水，请派人查看",
    "对讲机无声音，访客无法呼叫",
)
PUBLIC = (
    "2 号电梯运行有异响",
    "地下车库 B2 层照明大面积不亮",
    "小区东门道闸不抬杆",
    "儿童游乐区地垫翘边",
    "楼下垃圾桶满溢，有异味",
)
QUESTIONS = ("咨询装修进场需要办理哪些手续", "咨询车位月租办理方式", "咨询电动车充电收费标准", "咨询往年物业费发票补开")
SUGGESTIONS = ("建议在西门增设快递柜", "建议延长健身房开放时间", "建议单元门口增设休息座椅")
COMPLAINTS = (
    "保洁未按时清扫楼道，垃圾堆放两天",
    "楼上装修噪声超时，多次反映未见制止",
    "维修人员约定上午到场，下午才来且未提前告知",
    "秩序员对外来车辆未登记即放行",
    "地下车库漏水淋湿车辆，要求赔偿",
    "前台接电话态度生硬",
)
OUTCOMES = ("已更换损坏部件并试用正常", "已疏通并清理现场", "已调整并与客户确认", "已说明情况，客户表示理解")
ANSWERS = ("处理及时，没有意见", "师傅态度很好", "希望下次来之前先打电话", "问题已经解决")
UNHAPPY = ("修好两天又坏了", "等的时间太长")


def person(random: Random) -> str:
    """Return an invented person's name."""
    return random.choice(SURNAMES) + "".join(random.sample(GIVEN, random.choice((1, 2, 2))))


def phone(random: Random) -> str:
    """Return an eleven-digit number that no network gives out."""
    return f"100{random.randrange(10**8):08d}"


def address(serial: int, office_code: str) -> str:
    """Return a mail address that can reach nobody."""
    return f"yezhu{serial:05d}@{office_code.lower()}.invalid"
