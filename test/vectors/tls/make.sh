#!/bin/sh
# Makes the certificates and keys of test/config/tls.test.ts; nothing looks at their dates.
set -e
cd "$(dirname "$0")"
ec="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
openssl req -x509 $ec -days 36500 -subj "/CN=Plant authority" -keyout authority.key -out authority.pem
openssl req -x509 $ec -days 36500 -subj "/CN=rivulet" -CA authority.pem -CAkey authority.key -keyout client.key -out client.pem
openssl req -x509 $ec -days 36500 -subj "/CN=other" -keyout other.key -out other.pem
openssl pkcs8 -topk8 -in client.key -out client-encrypted.key -v2 aes-256-cbc -passout pass:plant
openssl ec -in client.key -aes128 -passout pass:plant -out client-encrypted-old.key
openssl x509 -in authority.pem -outform der -out authority.der
rm authority.key
