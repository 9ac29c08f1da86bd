{{/* Rules of outgoing traffic, as lists. */}}

{{/* One rule. Of {to, ports, protocols}. */}}
{{- define "kefu.egress.rule" -}}
- ports:
    {{- range $port := .ports }}
    {{- range $.protocols | default (list "TCP") }}
    - {protocol: {{ . }}, port: {{ $port }}}
    {{- end }}
    {{- end }}
  {{- with .to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{/* Ports in HOST:PORT or URLs, as JSON. Of {from}. */}}
{{- define "kefu.ports" -}}
{{- $ports := list }}
{{- range .from }}
{{- $authority := . }}
{{- $port := "" }}
{{- if contains "://" . }}
{{- $authority = (urlParse .).host }}
{{- $port = ternary "80" "443" (hasPrefix "http://" .) }}
{{- end }}
{{- $said := regexFind ":[0-9]+$" $authority | trimPrefix ":" }}
{{- $ports = append $ports (int ($said | default $port)) }}
{{- end }}
{{- $ports | uniq | toJson }}
{{- end }}

{{/* DNS, database and Kafka: what every pod needs. */}}
{{- define "kefu.egress.backends" -}}
{{- $policy := .Values.networkPolicy }}
{{ include "kefu.egress.rule" (dict "to" $policy.dns.to "ports" $policy.dns.ports "protocols" (list "UDP" "TCP")) }}
{{ include "kefu.egress.rule" $policy.database }}
{{- $ports := $policy.kafka.ports | default (include "kefu.ports" (dict "from" (splitList "," (include "kefu.brokers" .))) | fromJsonArray) }}
{{ include "kefu.egress.rule" (dict "to" $policy.kafka.to "ports" $ports) }}
{{- with $policy.extraEgress }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "kefu.egress.oidc" -}}
{{- $policy := .Values.networkPolicy.oidc }}
{{- $urls := compact (list .Values.auth.issuer .Values.auth.jwksUrl) }}
{{ include "kefu.egress.rule" (dict "to" $policy.to "ports" ($policy.ports | default (include "kefu.ports" (dict "from" $urls) | fromJsonArray))) }}
{{- end }}

{{- define "kefu.egress.collector" -}}
{{- $policy := .Values.networkPolicy.collector }}
{{- with .Values.telemetry.otlpEndpoint }}
{{ include "kefu.egress.rule" (dict "to" $policy.to "ports" ($policy.ports | default (include "kefu.ports" (dict "from" (list .)) | fromJsonArray))) }}
{{- end }}
{{- end }}

{{- define "kefu.egress.notices" -}}
{{- $policy := .Values.networkPolicy }}
{{- if eq .Values.mail.kind "smtp" }}
{{ include "kefu.egress.rule" (dict "to" $policy.smtp.to "ports" ($policy.smtp.ports | default (list .Values.mail.port))) }}
{{- end }}
{{- if $policy.webhooks.ports }}
{{ include "kefu.egress.rule" $policy.webhooks }}
{{- end }}
{{- end }}
