{{/* The variables of everything that works on Prefect's database. */}}
{{- define "towpath.databaseEnv" -}}
{{- $host := .Values.database.host }}
{{- if .Values.database.trial.enabled }}{{ $host = printf "%s-database" (include "towpath.name" .) }}{{ end }}
- {name: PREFECT_SERVER_DATABASE_DRIVER, value: postgresql+asyncpg}
- name: PREFECT_SERVER_DATABASE_HOST
  value: {{ required "database.host is not set: the name of your PostgreSQL server (or database.trial.enabled, to try)" $host | quote }}
- {name: PREFECT_SERVER_DATABASE_PORT, value: {{ .Values.database.port | quote }}}
- {name: PREFECT_SERVER_DATABASE_NAME, value: {{ .Values.database.name | quote }}}
- {name: PREFECT_SERVER_DATABASE_USER, value: {{ .Values.database.user | quote }}}
- name: PREFECT_SERVER_DATABASE_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ include "towpath.named" (list .Values.database.passwordSecret.name "database.passwordSecret.name" "Secret with the database's password") }}
      key: {{ .Values.database.passwordSecret.key }}
{{- if .Values.database.caConfigMap.name }}
- {name: PREFECT_SERVER_DATABASE_SQLALCHEMY_CONNECT_ARGS_TLS_ENABLED, value: "true"}
- {name: PREFECT_SERVER_DATABASE_SQLALCHEMY_CONNECT_ARGS_TLS_CA_FILE, value: /etc/towpath/database-ca/ca.crt}
{{- end }}
# Done by the init container, under a lock: servers that start at once would do it at once.
- {name: PREFECT_SERVER_DATABASE_MIGRATE_ON_START, value: "false"}
- {name: PREFECT_API_BLOCKS_REGISTER_ON_START, value: "false"}
{{- end }}

{{/* Messages, order of events, leases of locks, the clean-up queue and background tasks: all in Redis. */}}
{{- define "towpath.redisEnv" -}}
{{- $secret := .Values.redis.urlSecret }}
{{- $name := include "towpath.named" (list $secret.name "redis.urlSecret.name" "Secret with the address of Redis, as redis://:PASSWORD@HOST:6379/0") }}
- {name: PREFECT_SERVER_EVENTS_MESSAGING_BROKER, value: prefect_redis.messaging}
- {name: PREFECT_SERVER_EVENTS_MESSAGING_CACHE, value: prefect_redis.messaging}
- {name: PREFECT_SERVER_EVENTS_CAUSAL_ORDERING, value: prefect_redis.ordering}
- {name: PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE, value: prefect_redis.lease_storage}
- {name: PREFECT_SERVER_WORKER_CHANNEL_CLEANUP_QUEUE_STORAGE, value: prefect_redis.cleanup_queue}
{{- range list "PREFECT_REDIS_MESSAGING_URL" "PREFECT_REDIS_WORKER_CLEANUP_QUEUE_URL" "PREFECT_SERVER_DOCKET_URL" }}
- name: {{ . }}
  valueFrom: {secretKeyRef: {name: {{ $name }}, key: {{ $secret.key }}}}
{{- end }}
{{- end }}

{{- define "towpath.serverEnv" -}}
{{ include "towpath.databaseEnv" . }}
{{ include "towpath.redisEnv" . }}
- name: PREFECT_SERVER_API_AUTH_STRING
  valueFrom:
    secretKeyRef: {name: {{ include "towpath.authSecret" . }}, key: {{ .Values.prefect.authSecret.key }}}
- {name: PREFECT_SERVER_ANALYTICS_ENABLED, value: "false"}
- {name: PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED, value: "events,flow_runs"}
- {name: PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD, value: {{ mul .Values.server.retentionDays 86400 | quote }}}
{{- with include "towpath.publicHost" . }}
- {name: PREFECT_UI_URL, value: {{ printf "https://%s" . | quote }}}
- {name: PREFECT_SERVER_UI_API_URL, value: {{ printf "https://%s/api" . | quote }}}
{{- end }}
# All that a server writes outside of its database.
- {name: HOME, value: /tmp}
- {name: PREFECT_HOME, value: /tmp/prefect}
- {name: PREFECT_SERVER_UI_STATIC_DIRECTORY, value: /tmp/ui}
{{- include "towpath.caEnv" . }}
{{- include "towpath.env" .Values.server.env }}
{{- end }}

{{- define "towpath.serverMounts" -}}
- {name: tmp, mountPath: /tmp}
{{- if .Values.database.caConfigMap.name }}
- {name: database-ca, mountPath: /etc/towpath/database-ca, readOnly: true}
{{- end }}
{{- include "towpath.caMount" . }}
{{- end }}

{{- define "towpath.serverVolumes" -}}
- name: tmp
  emptyDir: {sizeLimit: 512Mi}
{{- with .Values.database.caConfigMap }}
{{- if .name }}
- name: database-ca
  configMap: {name: {{ .name }}, items: [{key: {{ .key }}, path: ca.crt}]}
{{- end }}
{{- end }}
{{- include "towpath.caVolume" . }}
{{- end }}

{{/* Waits for the database and brings its tables to this version, one pod after the other. */}}
{{- define "towpath.serverInit" -}}
- name: database
  image: {{ include "towpath.image" (list . .Values.server.image "server.image") }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  command: [python, -m, towpath.orchestration.server_database]
  env: {{- include "towpath.serverEnv" . | nindent 4 }}
  resources:
    requests: {cpu: 100m, memory: 256Mi}
    limits: {memory: 512Mi}
  securityContext: {{- include "towpath.container" . | nindent 4 }}
  volumeMounts: {{- include "towpath.serverMounts" . | nindent 4 }}
{{- end }}
