#!/bin/sh
# From a backup to a database that serves: checks it, fills an empty database, stops mail, proves the record.
# Everything that serves must be stopped. Settings come from the environment, as for every command.
set -eu
umask 077

fail() {
    echo "错误：$1" >&2
    exit 1
}

if [ $# -ne 1 ] || [ "${1#-}" != "$1" ]; then
    echo "用法：restore.sh 备份目录    例如 restore.sh /var/backups/wuguan/wuguan-20261121T021500Z" >&2
    exit 2
fi
backup=$1
wuguan=${WUGUAN_COMMAND:-$(command -v wuguan || echo /opt/wuguan/bin/wuguan)}
[ -x "$wuguan" ] || fail "找不到 wuguan 命令。请把它的目录加入 PATH，或用 WUGUAN_COMMAND 写出完整路径。"
[ -f "$backup/database.dump" ] && [ -f "$backup/SHA256SUMS" ] ||
    fail "$backup 不是完整的备份：缺少 database.dump 或 SHA256SUMS。请换一份。"
(cd "$backup" && sha256sum --check --quiet --strict SHA256SUMS) ||
    fail "$backup 的内容与备份时不同，可能损坏或被改动。请换一份。"

if [ -d /run/systemd/system ]; then
    for unit in wuguan.target 'wuguan-web@*' wuguan-worker.service wuguan-scheduler.service; do
        if systemctl is-active --quiet "$unit"; then
            fail "$unit 正在运行。请先停止：systemctl stop wuguan.target"
        fi
    done
fi

home=${WUGUAN_HOME:-$HOME/.local/share/wuguan}
if [ -z "${WUGUAN_HOME:-}" ] && [ "$(id -u)" = 0 ]; then home=/var/lib/wuguan; fi
mkdir -p "$home"
if [ -f "$backup/secret-key" ] && [ -z "${WUGUAN_SECRET_KEY:-}" ] && [ ! -s "$home/secret-key" ]; then
    cp "$backup/secret-key" "$home/secret-key"
fi
if [ -f "$backup/files.tar" ]; then
    case ${WUGUAN_FILES:-} in
    s3://*) echo "备份里有附件，而现在的附件在对象存储里：请自行把 files.tar 放进去。" ;;
    *)
        files=${WUGUAN_FILES:-$home/files}
        mkdir -p "$files"
        # a file never changes: what is there already is the same
        tar -C "$files" --skip-old-files -xf "$backup/files.tar" || fail "附件没有恢复到 $files，数据库没有改动；原因见上。"
        ;;
    esac
fi
"$wuguan" db restore "$backup/database.dump" || fail "没有恢复，数据库没有改动；原因见上。"
if [ -f "$backup/mailbox.tar" ] && [ ! -d "$home/mailbox" ]; then
    tar -C "$home" -xf "$backup/mailbox.tar"
fi
"$wuguan" audit verify || fail "数据已恢复，但审计记录没有通过验证。请不要启动服务，保全这份备份并通知审计员。"

cat <<TEXT

已从 $backup 恢复。全部邮件已停发。启动服务之后，恢复发信之前，请逐项核对：
  1. 备份之后已经发出的邮件，在这里仍是「待发送」，升级和催缴也会重新办理并写入新的邮件。
     打开「发件箱」，对照发信服务器的日志（邮件标识 Message-ID 不变），已经发出的和不该再发的都点「扣发」；
     「结果不明」而已经发出的点「确认已送达」。
  2. 备份之后登记的报事、投诉、收款和收据要重新录入；收据和处理单的编号会从备份时接着编。
  3. 备份之后停用的账号、改过的密码和任职恢复成了原样：请按审计或纸面记录重新办理。
  4. 换一个 WUGUAN_SECRET_KEY，让所有人重新登录。
  5. 运行 wuguan doctor，再到「后台运行」看到期事项是否正在办理。
核对无误之后：wuguan mail resume
TEXT
