# BuildKit without root, with what the chart takes for granted of upstream's image (a tag that ends with -rootless):
# user 1000, rootlesskit before the server, names of folders and socket. Context: builder_images.py.
# Debian's newuidmap is setuid, and as root it asks for CAP_SYS_ADMIN, which no container has; by a capability of its
# file it does not.
ARG BASE
FROM ${BASE}
ENV DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
RUN apt-get update && apt-get install --yes --no-install-recommends libcap2-bin rootlesskit uidmap runc \
    && rm -rf /var/lib/apt/lists/* \
    && chmod u-s /usr/bin/newuidmap /usr/bin/newgidmap \
    && setcap cap_setuid=ep /usr/bin/newuidmap && setcap cap_setgid=ep /usr/bin/newgidmap \
    && echo 'user:x:1000:1000::/home/user:/bin/sh' >> /etc/passwd && echo 'user:x:1000:' >> /etc/group \
    && echo 'user:100000:65536' > /etc/subuid && cp /etc/subuid /etc/subgid \
    && mkdir -p /run/user/1000 /home/user/.local/share/buildkit && chown -R 1000:1000 /run/user/1000 /home/user
COPY buildkitd buildctl /usr/local/bin/
USER 1000:1000
ENV HOME=/home/user USER=user XDG_RUNTIME_DIR=/run/user/1000 \
    BUILDKIT_HOST=unix:///run/user/1000/buildkit/buildkitd.sock
ENTRYPOINT ["rootlesskit", "buildkitd"]
