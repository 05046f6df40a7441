{{/* The namespace of the Lease that the pods of an environment's agent share, so that one works and a new one
   stands by; empty where they have none: (list $ NAME AGENT). */}}
{{- define "towpath.leaseNamespace" -}}
{{- $agent := index . 2 }}
{{- if eq (index . 1) "build" }}
{{- else if not $agent.kubeconfigSecret }}
{{- (index . 0).Release.Namespace }}
{{- else if gt (int ($agent.replicas | default 1)) 1 }}
{{- required (printf "agents.%s.leaseNamespace is not set: the namespace, in the cluster of its kubeconfig, of the Lease that its replicas share" (index . 1)) $agent.leaseNamespace }}
{{- else }}
{{- $agent.leaseNamespace | default "" }}
{{- end }}
{{- end }}

{{/* Seconds that the runs of an agent have to end. One that is replaced while it promotes itself verifies the new
   version, and rolls it back if need be: (list $ NAME AGENT). */}}
{{- define "towpath.graceSeconds" -}}
{{- $runs := (index . 2).runs | default dict }}
{{- $runs.graceSeconds | default (include "towpath.leaseNamespace" . | empty | ternary 60 600) }}
{{- end }}

{{/* agent.yaml of an agent: (list $ NAME AGENT). */}}
{{- define "towpath.agentFile" -}}
{{- $root := index . 0 }}
{{- $name := index . 1 }}
{{- $agent := index . 2 }}
{{- $runs := $agent.runs | default dict }}
{{- $repository := dict
  "url" (required "repository.url is not set: the Git URL of the environment repository" $root.Values.repository.url)
  "branch" $root.Values.repository.branch
  "addresses" $root.Values.repository.addresses
  "poll" ($agent.poll | default "30s") }}
{{- $file := dict
  "apiVersion" "towpath.dev/v1"
  "environment" $name
  "repository" $repository
  "prefect" (dict "api" (include "towpath.prefectUrl" $root) "authFile" "/etc/towpath/prefect/auth")
  "keys" (dict "signing" (printf "/etc/towpath/keys/%s" $name) "trusted" "/etc/towpath/trusted/allowed_signers")
  "runs" (dict "limit" ($runs.limit | default 8) "grace" (printf "%ss" (include "towpath.graceSeconds" .)))
  "listen" "0.0.0.0:9090" }}
{{- with include "towpath.leaseNamespace" . }}
{{- $leader := dict "namespace" . }}
{{- with $agent.leaseDuration }}
{{- $_ := set $leader "leaseDuration" . }}
{{- end }}
{{- $_ := set $file "leader" $leader }}
{{- else }}
{{- $_ := set $file "name" (printf "towpath-%s" $name) }}
{{- end }}
{{- if eq $name "build" }}
{{- with include "towpath.buildkitHost" $root }}
{{- if $agent.docker.host }}
{{- fail "build.docker.host and build.buildkit are both set: one of them builds" }}
{{- end }}
{{- $tls := include "towpath.named" (list $agent.buildkit.tlsSecret "build.buildkit.tlsSecret" "Secret with ca.crt, tls.crt and tls.key for BuildKit") }}
{{- $_ := set $file "buildkit" (dict "host" . "tls" "/etc/towpath/buildkit") }}
{{- else }}
{{- $host := required "build.docker.host is not set: the address of the Docker Engine that builds, as tcp://HOST:2376; or build.buildkit" $agent.docker.host }}
{{- $_ := set $file "docker" (dict "host" $host) }}
{{- end }}
{{- else if $agent.kubeconfigSecret }}
{{- $cluster := dict "kubeconfig" "/etc/towpath/cluster/kubeconfig" }}
{{- with $agent.context }}{{ $_ := set $cluster "context" . }}{{ end }}
{{- $_ := set $file "cluster" $cluster }}
{{- else }}
{{- $_ := set $file "cluster" (dict "kubeconfig" "in-cluster") }}
{{- end }}
{{- if $agent.notifySecret }}
{{- $_ := set $file "notifyTokenFile" "/etc/towpath/notify/token" }}
{{- end }}
{{- toYaml $file }}
{{- end }}

{{/* What an agent mounts, besides its own file: (list $ NAME AGENT), as volumes. Each is mounted under its name. */}}
{{- define "towpath.agentVolumes" -}}
{{- $root := index . 0 }}
{{- $name := index . 1 }}
{{- $agent := index . 2 }}
{{- $key := $agent.keySecret | default dict }}
- name: file
  configMap: {name: {{ include "towpath.name" $root }}-agent-{{ $name }}}
- name: prefect
  secret: {secretName: {{ include "towpath.authSecret" $root }}, defaultMode: 0440, items: [{key: {{ $root.Values.prefect.authSecret.key }}, path: auth}]}
# Both are made by `towpath keys make`: the Secret has the private key.
- name: keys
  secret: {secretName: {{ $key.name | default (printf "towpath-agent-%s-keys" $name) }}, defaultMode: 0440, items: [{key: {{ $key.key | default $name }}, path: {{ $name }}}]}
- name: trusted
  configMap: {name: {{ $root.Values.trustedKeys.configMap }}, items: [{key: {{ $root.Values.trustedKeys.key }}, path: allowed_signers}]}
{{- with $root.Values.repository }}
{{- if eq (empty .netrcSecret) (empty .sshSecret) }}
{{- fail "set repository.netrcSecret (https) or repository.sshSecret (ssh), not both: agents push to the environment repository" }}
{{- end }}
- name: git
  secret: {secretName: {{ .netrcSecret | default .sshSecret }}, defaultMode: 0440}
{{- end }}
{{- with $agent.registrySecret }}
- name: registry
  secret: {secretName: {{ . }}, defaultMode: 0440, items: [{key: .dockerconfigjson, path: config.json}]}
{{- end }}
{{- with $agent.notifySecret }}
- name: notify
  secret: {secretName: {{ .name }}, defaultMode: 0440, items: [{key: {{ .key }}, path: token}]}
{{- end }}
{{- with $agent.kubeconfigSecret }}
- name: cluster
  secret: {secretName: {{ .name }}, defaultMode: 0440, items: [{key: {{ .key }}, path: kubeconfig}]}
{{- end }}
{{- if eq $name "build" }}
{{- if include "towpath.buildkitHost" $root }}
- name: buildkit
  secret: {secretName: {{ $agent.buildkit.tlsSecret }}, defaultMode: 0440}
{{- end }}
{{- with $agent.docker.tlsSecret }}
- name: docker
  secret: {secretName: {{ . }}, defaultMode: 0440}
{{- end }}
{{- end }}
{{- end }}

{{- define "towpath.agentEnv" -}}
{{- $root := index . 0 }}
{{- $agent := index . 2 }}
- {name: HOME, value: /data}
- {name: TOWPATH_HOME, value: /data/home}
- {name: TOWPATH_CACHE, value: /data/cache}
{{- if $root.Values.repository.sshSecret }}
- name: GIT_SSH_COMMAND
  value: ssh -i /etc/towpath/git/ssh-privatekey -o IdentitiesOnly=yes -o UserKnownHostsFile=/etc/towpath/git/known_hosts
{{- end }}
{{- if $agent.registrySecret }}
- {name: DOCKER_CONFIG, value: /etc/towpath/registry}
{{- end }}
{{- if eq (index . 1) "build" }}
{{- if $agent.docker.tlsSecret }}
- {name: DOCKER_TLS_VERIFY, value: "1"}
- {name: DOCKER_CERT_PATH, value: /etc/towpath/docker}
{{- end }}
{{- end }}
{{- include "towpath.caEnv" $root }}
{{- include "towpath.env" $agent.env }}
{{- end }}

{{/* ConfigMap, Deployment and Service of an agent: (list $ NAME AGENT IMAGE ACCOUNT). */}}
{{- define "towpath.agent" -}}
{{- $root := index . 0 }}
{{- $name := index . 1 }}
{{- $agent := index . 2 }}
{{- $part := eq $name "build" | ternary "build-agent" "agent" }}
{{- $full := printf "%s-agent-%s" (include "towpath.name" $root) $name }}
{{- $volumes := include "towpath.agentVolumes" . | fromYamlArray }}
{{- $file := include "towpath.agentFile" . }}
{{- $shared := include "towpath.leaseNamespace" . }}
{{- $resources := dict "requests" (dict "cpu" "50m" "memory" "192Mi") "limits" (dict "memory" "1Gi") }}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ $full }}
  namespace: {{ $root.Release.Namespace }}
  labels: {{- include "towpath.labels" (list $root $part $name) | nindent 4 }}
data:
  agent.yaml: |
    {{- $file | nindent 4 }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $full }}
  namespace: {{ $root.Release.Namespace }}
  labels: {{- include "towpath.labels" (list $root $part $name) | nindent 4 }}
spec:
  {{- if $shared }}
  # One works: the one that holds the Lease. The others wait for it, and so does a new one until the old one ends.
  replicas: {{ $agent.replicas | default 1 }}
  strategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: 0, maxSurge: 1}}
  {{- else }}
  # One: two agents that work must not have one name.
  replicas: 1
  strategy: {type: Recreate}
  {{- end }}
  selector:
    matchLabels: {{- include "towpath.selector" (list $root $part $name) | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "towpath.labels" (list $root $part $name) | nindent 8 }}
        {{- if $shared }}
        # It answers canary runs: whoever verifies these pods asks each of them whether it works.
        towpath.dev/canary: {{ $name }}
        {{- end }}
      annotations:
        {{- include "towpath.scraped" 9090 | nindent 8 }}
        towpath.dev/agent-file: {{ sha256sum $file }}
    spec:
      serviceAccountName: {{ index . 4 }}
      automountServiceAccountToken: {{ and (ne $name "build") (not $agent.kubeconfigSecret) }}
      terminationGracePeriodSeconds: {{ add 30 (include "towpath.graceSeconds" .) }}
      {{- include "towpath.pod" $root | nindent 6 }}
      {{- if gt (int ($agent.replicas | default 1)) 1 }}
      {{- include "towpath.spread" (list $root $part $name) | nindent 6 }}
      {{- end }}
      containers:
        - name: agent
          image: {{ index . 3 }}
          imagePullPolicy: {{ $root.Values.image.pullPolicy }}
          command: [towpath, agent, --config=/etc/towpath/file/agent.yaml]
          env: {{- include "towpath.agentEnv" . | nindent 12 }}
          ports:
            - {name: http, containerPort: 9090}
          startupProbe:
            httpGet: {path: /healthz, port: http}
            periodSeconds: 3
            timeoutSeconds: 5
            failureThreshold: 60
          readinessProbe:
            httpGet: {path: /readyz, port: http}
            periodSeconds: 5
            timeoutSeconds: 5
          livenessProbe:
            httpGet: {path: /healthz, port: http}
            periodSeconds: 15
            timeoutSeconds: 10
            failureThreshold: 4
          resources: {{- toYaml ($agent.resources | default $resources) | nindent 12 }}
          securityContext: {{- include "towpath.container" $root | nindent 12 }}
          volumeMounts:
            - {name: data, mountPath: /data}
            - {name: tmp, mountPath: /tmp}
            {{- range $volumes }}
            - {name: {{ .name }}, mountPath: /etc/towpath/{{ .name }}, readOnly: true}
            {{- end }}
            {{- if $root.Values.repository.netrcSecret }}
            - {name: git, mountPath: /data/.netrc, subPath: netrc, readOnly: true}
            {{- end }}
            {{- include "towpath.caMount" $root | nindent 12 }}
      volumes:
        - {name: data, emptyDir: {}}
        - {name: tmp, emptyDir: {}}
        {{- toYaml $volumes | nindent 8 }}
        {{- include "towpath.caVolume" $root | nindent 8 }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ $full }}
  namespace: {{ $root.Release.Namespace }}
  labels: {{- include "towpath.labels" (list $root $part $name) | nindent 4 }}
spec:
  selector: {{- include "towpath.selector" (list $root $part $name) | nindent 4 }}
  ports:
    - {name: http, port: 9090, targetPort: http}
{{- end }}
