#!/bin/sh
# Writes .env with random secrets for docker-compose.yml, readable by its owner only, and prints the login of the admin.
# An .env that is there is left as it is.
#   sh docker/write-env.sh && docker compose up --build --detach
set -eu
cd "$(dirname "$0")/.."

random() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }

if [ -e .env ]; then
    echo ".env is there already; it stays as it is." >&2
else
    umask 077
    cat > .env.made <<END
# For docker-compose.yml, made by docker/write-env.sh. Keep it: SECRET_KEY signs tokens, the passwords open the stores.
SECRET_KEY=$(random 32)
POSTGRES_PASSWORD=$(random 16)
REDIS_PASSWORD=$(random 16)
# The admin is created at the first start. A password that was changed since then stays.
ADMIN_EMAIL=admin@hubbub.example
ADMIN_PASSWORD=$(random 12)
# What users open. Links in e-mails begin with it.
PUBLIC_URL=http://localhost:8080
# Without it e-mails are caught, to be read at http://localhost:8025.
# SMTP_URL=smtp://user:password@mail.example:587
# MAIL_FROM=hubbub <chat@example.org>
END
    mv .env.made .env
fi
sed -n 's/^ADMIN_EMAIL=/admin     /p; s/^ADMIN_PASSWORD=/password  /p; s/^PUBLIC_URL=/page      /p' .env
