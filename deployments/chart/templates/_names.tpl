{{/* RELEASE, or RELEASE-towpath where the release's name does not say it. */}}
{{- define "towpath.name" -}}
{{- if contains "towpath" .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-towpath{{ end }}
{{- end }}

{{/* The name of what is made once for the whole cluster, so that two releases keep apart. */}}
{{- define "towpath.clusterName" -}}
{{ .Release.Namespace }}-{{ include "towpath.name" . }}
{{- end }}

{{/* Labels that select the pods of a part: (list $ PART NAME), NAME being the environment or empty. */}}
{{- define "towpath.selector" -}}
app.kubernetes.io/name: towpath
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- with index . 2 }}
towpath.dev/agent-of: {{ . }}
{{- end }}
{{- end }}

{{- define "towpath.labels" -}}
{{ include "towpath.selector" . }}
app.kubernetes.io/version: {{ (index . 0).Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ (index . 0).Release.Service }}
helm.sh/chart: {{ (index . 0).Chart.Name }}-{{ (index . 0).Chart.Version }}
{{- end }}

{{/* The image of a part: (list $ IMAGE KEY), IMAGE being what its own values say. */}}
{{- define "towpath.image" -}}
{{- $own := index . 1 }}
{{- $common := (index . 0).Values.image }}
{{- $key := index . 2 }}
{{- $repository := $own.repository | default $common.repository }}
{{- $digest := $own.digest | default $common.digest }}
{{- if not (and $repository $digest) }}
{{- fail (printf "no image: set %s.repository and %s.digest, or image.repository and image.digest (the digest that `make image` and your registry print)" $key $key) }}
{{- end }}
{{- if and (not $own.digest) $own.repository }}
{{- fail (printf "%s.repository is set and %s.digest is not: a digest is of one repository" $key $key) }}
{{- end }}
{{- printf "%s@%s" $repository $digest }}
{{- end }}

{{/* What a Secret or ConfigMap must be called: (list VALUE KEY WHAT). */}}
{{- define "towpath.named" -}}
{{- if not (index . 0) }}
{{- fail (printf "%s is not set: it names the %s" (index . 1) (index . 2)) }}
{{- end }}
{{- index . 0 }}
{{- end }}

{{- define "towpath.authSecret" -}}
{{ include "towpath.named" (list .Values.prefect.authSecret.name "prefect.authSecret.name" "Secret with `user:password` of the Prefect server") }}
{{- end }}

{{/* The Prefect API, as agents and door reach it. */}}
{{- define "towpath.prefectUrl" -}}
{{- if .Values.prefect.url }}{{ .Values.prefect.url }}
{{- else if .Values.server.enabled }}http://{{ include "towpath.name" . }}-server.{{ .Release.Namespace }}.svc:4200/api
{{- else }}{{ fail "prefect.url is not set: it is needed where server.enabled is false" }}
{{- end }}
{{- end }}

{{/* The environment of an agent's account, as a literal of CEL: account -> namespace. */}}
{{- define "towpath.accounts" -}}
{{- $pairs := list }}
{{- range $name, $agent := .Values.agents }}
{{- $pairs = append $pairs (printf "'system:serviceaccount:%s:towpath-%s': '%s'" $.Release.Namespace $name ($agent.namespace | default $name)) }}
{{- end }}
{{- printf "{%s}" (join ", " $pairs) }}
{{- end }}
