{{/* Metadata and selector of the policy of a part: (list $ PART). */}}
{{- define "towpath.policy" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "towpath.name" (index . 0) }}-{{ index . 1 }}
  namespace: {{ (index . 0).Release.Namespace }}
  labels: {{- include "towpath.labels" (list (index . 0) (index . 1) "") | nindent 4 }}
spec:
  podSelector:
    matchLabels: {{- include "towpath.selector" (list (index . 0) (index . 1) "") | nindent 6 }}
{{- end }}

{{/* Pods of parts as peers: (list $ PART...). */}}
{{- define "towpath.peers" -}}
- podSelector:
    matchLabels: {app.kubernetes.io/name: towpath, app.kubernetes.io/instance: {{ (index . 0).Release.Name }}}
    matchExpressions:
      - {key: app.kubernetes.io/component, operator: In, values: [{{ join ", " (rest .) }}]}
{{- end }}

{{- define "towpath.namespacePeer" -}}
- namespaceSelector:
    matchLabels: {kubernetes.io/metadata.name: {{ . }}}
{{- end }}

{{- define "towpath.dns" -}}
- ports:
    - {protocol: UDP, port: 53}
    - {protocol: TCP, port: 53}
{{- end }}
