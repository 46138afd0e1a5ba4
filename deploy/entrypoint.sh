#!/bin/sh
# Give `wuguan` the settings that lie in files: each file in WUGUAN_SECRETS is named like the setting it holds.
# A setting of the environment goes before its file; an empty file is a setting that is not made.
set -eu
for file in "${WUGUAN_SECRETS:-/run/secrets}"/*; do
    name=${file##*/}
    case $name in
        DATABASE_URL | BROKER_URL | WUGUAN_[A-Z]*) ;;
        *) continue ;;
    esac
    case $name in
        *[!A-Z_]*) continue ;;
    esac
    [ -f "$file" ] || continue
    eval "is_set=\${$name+yes}"
    # shellcheck disable=SC2154
    [ "$is_set" = yes ] && continue
    if ! [ -r "$file" ]; then
        echo "错误：无法读取 $file。请让容器内的用户（$(id -u)）能读取这个文件。" >&2
        exit 1
    fi
    value=$(cat "$file")
    export "$name=$value"
done
unset WUGUAN_SECRETS
case ${1:-} in
    wuguan-backup | wuguan-restore) exec "$@" ;;
esac
exec wuguan "$@"
