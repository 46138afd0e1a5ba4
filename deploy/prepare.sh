#!/bin/sh
# Makes what compose.yaml asks for: secrets, settings, and a certificate to begin with. What is there already stays.
set -eu
cd "$(dirname "$0")"
umask 077

name=${1:-}
case $name in
    "" | -* | *[!a-zA-Z0-9.-]*)
        echo "用法：$0 域名    例如 $0 wuguan.example.cn" >&2
        exit 2
        ;;
esac

word() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
keep() { # keep FILE CONTENT: only where there is none
    if [ -e "secrets/$1" ]; then return; fi
    printf '%s' "$2" > "secrets/$1.part"
    mv "secrets/$1.part" "secrets/$1"
    echo "已生成 secrets/$1"
}

mkdir -p secrets certificates
keep postgres-password "$(word)"
keep app-password "$(word)"
keep DATABASE_URL "postgresql://wuguan_app:$(cat secrets/app-password)@postgres/wuguan"
keep WUGUAN_OWNER_DATABASE_URL "postgresql://postgres:$(cat secrets/postgres-password)@postgres/wuguan"
keep WUGUAN_SECRET_KEY "$(word)$(word)"
keep WUGUAN_SMTP_URL ""
keep WUGUAN_BOUNCE_IMAP_URL ""
keep WUGUAN_BOUNCE_SECRET ""
# Compose hands each container its own files as they are, and the program there is another user: so the files can be
# read, and it is the folder that keeps strangers out
chmod 700 secrets certificates
chmod 644 secrets/*

if ! [ -e wuguan.env ]; then
    sed "s/wuguan\.example\.cn/$name/" wuguan.env.example > wuguan.env
    echo "已生成 wuguan.env，请核对发件人等设置"
fi
if ! [ -e .env ]; then
    echo "WUGUAN_SERVER_NAME=$name" > .env
    echo "已生成 .env"
fi
if ! [ -e certificates/fullchain.pem ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj "/CN=$name" \
        -addext "subjectAltName=DNS:$name" -keyout certificates/privkey.pem -out certificates/fullchain.pem 2>/dev/null
    echo "已生成 30 天的自签名证书。请在对外使用之前把正式证书放到 certificates/fullchain.pem 和 privkey.pem"
fi
if ! [ -s secrets/WUGUAN_SMTP_URL ]; then
    echo "注意：secrets/WUGUAN_SMTP_URL 是空的，邮件只收集在本机，不会发出"
fi
