{{/* The name under which people open Prefect's UI; empty where nothing says it. */}}
{{- define "towpath.publicHost" -}}
{{- if .Values.sso.enabled }}{{ .Values.sso.host }}{{ else }}{{ .Values.server.host }}{{ end }}
{{- end }}

{{/* oauth2-proxy's file. It has no secret: MARK and the credential come in by the init container. */}}
{{- define "towpath.ssoFile" -}}
{{- $sso := .Values.sso }}
{{- $oidc := dict "issuerURL" (required "sso.issuer is not set: the address of your OIDC issuer" $sso.issuer) "insecureSkipNonce" false }}
{{- $_ := set $oidc "groupsClaim" (required "sso.claims.groups is not set: the claim with a person's groups" $sso.claims.groups) }}
{{- $_ := set $oidc "emailClaim" (required "sso.claims.email is not set: the claim that names a person" $sso.claims.email) }}
{{- $provider := dict "id" "oidc" "provider" "oidc" "oidcConfig" $oidc "scope" $sso.scope "code_challenge_method" "S256" }}
{{- $_ := set $provider "clientID" (required "sso.clientId is not set: the client that is registered at sso.issuer" $sso.clientId) }}
{{- $_ := set $provider "clientSecretFile" "/etc/towpath/sso/client/secret" }}
{{- if not (concat $sso.groups $sso.viewers) }}
{{- fail "sso.groups is not set: the groups whose members may do everything (or sso.viewers, who may look)" }}
{{- end }}
{{- $_ := set $provider "allowedGroups" (concat $sso.groups $sso.viewers | uniq) }}
{{- $server := printf "http://%s-server.%s.svc:4200" (include "towpath.name" .) .Release.Namespace }}
{{- $upstream := dict "id" "prefect" "path" "/" "uri" $server "timeout" "60s" }}
{{- $credential := dict "secretSource" (dict "fromFile" "/run/towpath/authorization") }}
{{- $people := dict "secretSource" (dict "value" ("people" | b64enc)) }}
{{- $groups := dict "claimSource" (dict "claim" "groups" "prefix" "MARK:") }}
{{- $headers := list (dict "name" "Authorization" "values" (list $credential)) (dict "name" "X-Towpath-Sso" "values" (list $people)) }}
{{- $headers = append $headers (dict "name" "X-Towpath-Groups" "values" (list $groups)) }}
{{- dict "server" (dict "bindAddress" "0.0.0.0:4180") "upstreamConfig" (dict "upstreams" (list $upstream)) "injectRequestHeaders" $headers "providers" (list $provider) | toYaml }}
{{- end }}

{{/* What the server's guard asks of requests that the proxy has let through. */}}
{{- define "towpath.peopleEnv" -}}
{{- if .Values.sso.enabled }}
- name: TOWPATH_SERVER_PEOPLE
  value: {{ dict "origin" (printf "https://%s" .Values.sso.host) "groups" .Values.sso.groups "viewers" .Values.sso.viewers | toJson | quote }}
{{- end }}
{{- end }}

{{/* Prefect's own program, or the same server behind the guard. */}}
{{- define "towpath.serverCommand" -}}
{{- if .Values.sso.enabled -}}
[python, -m, uvicorn, --factory, "towpath.orchestration.server_people:create_app", --host=0.0.0.0, --port=4200, --timeout-keep-alive=5, --log-level=warning]
{{- else -}}
[prefect, server, start, --no-services, --host=0.0.0.0, --port=4200]
{{- end }}
{{- end }}
