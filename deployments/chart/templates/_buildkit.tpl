{{/* The address of BuildKit; empty where a Docker Engine builds. */}}
{{- define "towpath.buildkitHost" -}}
{{- with .Values.build.buildkit }}
{{- if and .host .server.enabled }}{{ fail "build.buildkit.host and build.buildkit.server are both set: one of them builds" }}{{ end }}
{{- if .server.enabled }}tcp://{{ include "towpath.name" $ }}-buildkit.{{ .server.namespace }}.svc:1234
{{- else }}{{ .host }}
{{- end }}
{{- end }}
{{- end }}
