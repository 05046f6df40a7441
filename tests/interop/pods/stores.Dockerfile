# A PostgreSQL and a Redis of Debian's packages, for the trial database and Redis of the chart: what their usual
# images promise by name (variables, folders, programs on PATH), and no more.
ARG BASE
FROM ${BASE}
ENV DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
RUN mkdir -p /etc/postgresql-common && echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf \
    && apt-get update && apt-get install --yes --no-install-recommends postgresql-15 redis-server \
    && rm -rf /var/lib/apt/lists/* /usr/share/doc /usr/lib/postgresql/15/lib/llvmjit* /usr/lib/*/libLLVM-* \
    && echo 'towpath:x:10001:10001::/tmp:/bin/sh' >> /etc/passwd && echo 'towpath:x:10001:' >> /etc/group
COPY stores.sh /usr/local/bin/
ENV PATH=/usr/lib/postgresql/15/bin:/usr/local/bin:/usr/bin:/bin
CMD ["sh", "/usr/local/bin/stores.sh"]
