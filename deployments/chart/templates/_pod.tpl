{{/* What each pod of ours has in its spec. */}}
{{- define "towpath.pod" -}}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
enableServiceLinks: false
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Replicas on different nodes, where there are several: (list $ PART NAME). */}}
{{- define "towpath.spread" -}}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "towpath.selector" . | nindent 8 }}
{{- end }}

{{- define "towpath.container" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* For Prometheus that finds its targets by annotations: the port. */}}
{{- define "towpath.scraped" -}}
prometheus.io/scrape: "true"
prometheus.io/port: {{ . | quote }}
{{- end }}

{{/* A mapping of names and texts, as variables. */}}
{{- define "towpath.env" -}}
{{- range $name, $value := . }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}

{{/* Variables of a part that speaks TLS to others. */}}
{{- define "towpath.caEnv" -}}
{{- if .Values.caBundle.configMap }}
- {name: SSL_CERT_FILE, value: /etc/towpath/ca/bundle.crt}
- {name: GIT_SSL_CAINFO, value: /etc/towpath/ca/bundle.crt}
{{- end }}
{{- end }}

{{- define "towpath.caMount" -}}
{{- if .Values.caBundle.configMap }}
- {name: ca, mountPath: /etc/towpath/ca, readOnly: true}
{{- end }}
{{- end }}

{{- define "towpath.caVolume" -}}
{{- with .Values.caBundle }}
{{- if .configMap }}
- name: ca
  configMap: {name: {{ .configMap }}, items: [{key: {{ .key }}, path: bundle.crt}]}
{{- end }}
{{- end }}
{{- end }}
