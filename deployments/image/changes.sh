#!/bin/sh
# What a stage has made, as a folder that an image is given by COPY: the same files with the same times, whoever
# builds it and when.
#   begin             note the moment
#   account           make the user that images run as, with its home
#   collect           copy what has changed since `begin` to /out
#   export FOLDER     copy FOLDER to /libraries, with the path that leads to it
set -eu
id=10001

same_times() { find "$1" -exec touch --no-dereference --date="@${SOURCE_DATE_EPOCH:?}" {} +; }

# What uv notes of an installation: a lock, and the time when a wheel was made.
forget() {
  rm -f /opt/towpath/.lock
  for record in /opt/towpath/lib/python3*/site-packages/towpath-*.dist-info/RECORD; do
    [ -e "$record" ] || continue
    rm -f "${record%RECORD}uv_cache.json"
    sed -i '/uv_cache.json,/d' "$record"
  done
}

case "$1" in
begin)
  touch /build/begin
  sleep 0.1 # file times are as coarse as the kernel's clock
  ;;
account)
  echo "towpath:x:$id:$id:Towpath:/home/towpath:/usr/sbin/nologin" >> /etc/passwd
  echo "towpath:x:$id:" >> /etc/group
  mkdir /home/towpath
  chown $id:$id /home/towpath
  ;;
collect)
  forget
  rm -f /var/lib/dpkg/*-old /etc/*-
  mkdir /out
  cd /
  find . -xdev \( -path ./build -o -path ./out -o -path ./root -o -path ./tmp -o -path ./dev -o -path ./proc \
    -o -path ./sys -o -path ./run -o -path ./var/cache -o -path ./var/log -o -path ./var/lib/apt/lists \
    -o -path ./etc/dpkg/dpkg.cfg.d/towpath -o -path ./etc/hosts -o -path ./etc/hostname -o -path ./etc/mtab \
    -o -path ./etc/resolv.conf -o -path ./.dockerenv \) -prune \
    -o -cnewer /build/begin ! -path . -print0 | tar --create --null --no-recursion --files-from=- |
    tar --extract --preserve-permissions --directory=/out
  same_times /out
  ;;
export)
  forget
  mkdir /libraries
  cd /
  cp --archive --parents "${2#/}" /libraries
  same_times /libraries
  ;;
esac
