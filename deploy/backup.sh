#!/bin/sh
# One backup: the database as of one instant, the files of matters, the key that signs sessions, the mail collected on
# this machine, and what proves later that it is whole. Runs while everything serves. Settings come from the environment, as for every command.
set -eu
umask 077

usage() {
    cat >&2 <<'TEXT'
用法：backup.sh [--keep N] 目录
  在 目录 下新建一份以时间命名的备份；--keep N 只保留最近 N 份。
  需要 WUGUAN_OWNER_DATABASE_URL（能绕过行级安全的登录；使用内置数据库时不需要）。
TEXT
    exit 2
}
fail() {
    echo "错误：$1" >&2
    exit 1
}

keep=0
if [ "${1:-}" = --keep ]; then
    keep=${2:-}
    case $keep in "" | *[!0-9]* | 0) usage ;; esac
    shift 2
fi
[ $# -eq 1 ] || usage
case $1 in -*) usage ;; esac
place=$1
wuguan=${WUGUAN_COMMAND:-$(command -v wuguan || echo /opt/wuguan/bin/wuguan)}
[ -x "$wuguan" ] || fail "找不到 wuguan 命令。请把它的目录加入 PATH，或用 WUGUAN_COMMAND 写出完整路径。"
mkdir -p "$place" 2>/dev/null || fail "无法建立目录 $place。请检查权限。"
[ -w "$place" ] || fail "目录 $place 不可写。请检查权限。"

name=wuguan-$(date -u +%Y%m%dT%H%M%SZ)
[ ! -e "$place/$name" ] || fail "$place/$name 已经存在。请稍后再试。"
unfinished=$place/.$name.part
trap 'rm -rf "$unfinished"' EXIT
trap 'exit 130' INT TERM
mkdir "$unfinished"

# the ends of the record's chains: kept elsewhere, they show later whether anything was cut off at the end. A record that
# does not prove is told of at the end, and backed up all the same: now more than ever
proved=yes
"$wuguan" audit verify --json > "$unfinished/audit.json" || proved=no
"$wuguan" db dump "$unfinished/database.dump" > /dev/null || fail "数据库没有备份成功，原因见上。备份没有完成。"
"$wuguan" --version > "$unfinished/version"

home=${WUGUAN_HOME:-$HOME/.local/share/wuguan}
if [ -z "${WUGUAN_HOME:-}" ] && [ "$(id -u)" = 0 ]; then home=/var/lib/wuguan; fi
if [ -n "${WUGUAN_SECRET_KEY:-}" ]; then
    printf '%s' "$WUGUAN_SECRET_KEY" > "$unfinished/secret-key"
elif [ -s "$home/secret-key" ]; then
    cp "$home/secret-key" "$unfinished/secret-key"
fi
if [ -d "$home/mailbox" ]; then
    tar -C "$home" -cf "$unfinished/mailbox.tar" mailbox
fi
# after the database: a file without its row is swept one day, a row without its file would be a hole
case ${WUGUAN_FILES:-} in
s3://*)
    echo "附件在对象存储里，不在这份备份中：请用对象存储的版本或复制功能另行备份。"
    ;;
*)
    files=${WUGUAN_FILES:-$home/files}
    if [ -d "$files" ]; then  # tar answers 1 where a file came or went meanwhile: those of the database are all there
        tar -C "$files" --exclude='*.part' -cf "$unfinished/files.tar" . || [ $? -eq 1 ] ||
            fail "附件目录 $files 没有备份成功，原因见上。备份没有完成。"
    fi
    ;;
esac

(cd "$unfinished" && sha256sum -- * > SHA256SUMS.part && mv SHA256SUMS.part SHA256SUMS)
sync
mv "$unfinished" "$place/$name"
trap - EXIT
echo "已备份到 $place/$name"
echo "其中有业主资料和密钥：请复制到另一台机器，并像数据库一样保管。"

if [ "$keep" -gt 0 ]; then
    # oldest first; a name of ours is its time
    find "$place" -mindepth 1 -maxdepth 1 -type d -name 'wuguan-????????T??????Z' | sort | head -n "-$keep" |
        while IFS= read -r old; do
            rm -rf "$old"
            echo "已删除旧备份 $old"
        done
fi
[ "$proved" = yes ] || fail "备份已完成，但审计记录没有通过验证。请运行 wuguan audit verify，保全这份备份并通知审计员。"
