{{/*
Settings as environment variables: what the chart knows, over it the settings of defaults and service,
then extraEnv. Of {root, service}. The delay is for requests on their way over kept connections, which
preStop does not see.
*/}}
{{- define "kefu.env" -}}
{{- $v := .root.Values }}
{{- $s := .service }}
{{- $env := dict
  "KEFU__HTTP__LISTEN" "0.0.0.0:8080"
  "KEFU__METRICS__LISTEN" "0.0.0.0:9464"
  "KEFU__HTTP__PUBLIC_URL" (required "publicUrl is missing: the URL where people and mails reach this installation" $v.publicUrl)
  "KEFU__DATABASE__URL" (include "kefu.databaseSecret" . | fromYaml)
  "KEFU__DATABASE__AUTO_MIGRATE" "false"
  "KEFU__EVENTS__KIND" "kafka"
  "KEFU__EVENTS__BROKERS" (include "kefu.brokers" .root)
  "KEFU__EVENTS__PARTITIONS" $v.kafka.partitions
  "KEFU__EVENTS__REPLICATION" $v.kafka.replication
  "KEFU__EVENTS__KEEP_DAYS" $v.kafka.keepDays
  "KEFU__AUTH__MODE" "oidc"
  "KEFU__AUTH__ISSUER" (required "auth.issuer is missing: the URL of your OpenID Connect provider" $v.auth.issuer)
  "KEFU__AUTH__JWKS_URL" $v.auth.jwksUrl
  "KEFU__AUTH__AUDIENCE" $v.auth.audience
  "KEFU__TELEMETRY__OTLP_ENDPOINT" $v.telemetry.otlpEndpoint
  "KEFU__TELEMETRY__SAMPLE_RATIO" $v.telemetry.sampleRatio
  "KEFU__TELEMETRY__LOG_LEVEL" $v.telemetry.logLevel
  "KEFU__TELEMETRY__LOG_FORMAT" "json"
  "KEFU__SHUTDOWN__DELAY_SECS" 2
  "KEFU__SHUTDOWN__GRACE_SECS" $v.shutdown.graceSeconds
}}
{{- include "kefu.env.pii" (dict "root" .root "into" $env) }}
{{- include "kefu.env.kafka" (dict "root" .root "into" $env) }}
{{- if eq $s.name "notification" }}{{ include "kefu.env.mail" (dict "root" .root "into" $env) }}{{ end }}
{{- include "kefu.env.settings" (dict "from" $s.settings "prefix" "KEFU" "path" "settings" "into" $env) }}
{{- range $name, $value := $env }}
- name: {{ $name }}
  {{- if kindIs "map" $value }}
  valueFrom: {secretKeyRef: {{ toJson $value }}}
  {{- else }}
  value: {{ include "kefu.text" $value | quote }}
  {{- end }}
{{- end }}
{{- with $s.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* A number as it was written, not 2.097152e+06. */}}
{{- define "kefu.text" -}}
{{- if and (kindIs "float64" .) (eq . (floor .)) }}{{ int64 . }}{{ else }}{{ . }}{{ end }}
{{- end }}

{{/* Where a service's database URL is. */}}
{{- define "kefu.databaseSecret" -}}
{{- $s := .service }}
{{- $own := $s.database.existingSecret | default .root.Values.database.existingSecret }}
{{- if $own }}
name: {{ $own }}
key: {{ $s.database.key | default $s.name }}
{{- else if .root.Values.cloudnativepg.enabled }}
name: {{ $s.fullname }}-db-app
key: {{ $s.database.key | default "uri" }}
{{- else }}
{{- fail (printf "database.existingSecret is missing: name a Secret whose key %s is the database URL of %s (or set services.%s.database.existingSecret)" $s.name $s.name $s.name) }}
{{- end }}
{{- end }}

{{- define "kefu.env.pii" -}}
{{- $pii := .root.Values.pii }}
{{- $secret := required "pii.existingSecret is missing: name a Secret with the keys for personal data" $pii.existingSecret }}
{{- if not (has $pii.active $pii.keys) }}{{ fail (printf "pii.active: %q is not one of pii.keys" $pii.active) }}{{ end }}
{{- $_ := set .into "KEFU__PII__ACTIVE" $pii.active }}
{{- $_ := set .into "KEFU__PII__INDEX_KEY" (dict "name" $secret "key" $pii.indexKey) }}
{{- range $pii.keys }}
{{- $_ := set $.into (printf "KEFU__PII__KEYS__%s" (upper .)) (dict "name" $secret "key" .) }}
{{- end }}
{{- end }}

{{/* Security of Kafka as librdkafka's properties; a dot is __ in the environment. */}}
{{- define "kefu.env.kafka" -}}
{{- $kafka := .root.Values.kafka }}
{{- $security := $kafka.securityProtocol }}
{{- $sasl := deepCopy $kafka.sasl }}
{{- $ca := $kafka.ca.existingSecret }}
{{- if and .root.Values.strimzi.enabled (not $kafka.brokers) }}
{{- $security = "SASL_SSL" }}
{{- $sasl = dict "mechanism" "SCRAM-SHA-512" "username" (include "kefu.fullname" .root) "existingSecret" (include "kefu.fullname" .root) "key" "password" }}
{{- end }}
{{- $properties := deepCopy $kafka.properties }}
{{- if ne $security "PLAINTEXT" }}{{ $_ := set $properties "security.protocol" $security }}{{ end }}
{{- if include "kefu.kafkaCa" .root }}{{ $_ := set $properties "ssl.ca.location" "/etc/kefu/kafka-ca/ca.crt" }}{{ end }}
{{- if hasPrefix "SASL_" $security }}
{{- $_ := set $properties "sasl.mechanism" (required (printf "kafka.sasl.mechanism is missing: kafka.securityProtocol is %s" $security) $sasl.mechanism) }}
{{- $_ := set $properties "sasl.username" (required (printf "kafka.sasl.username is missing: kafka.securityProtocol is %s" $security) $sasl.username) }}
{{- $secret := required (printf "kafka.sasl.existingSecret is missing: kafka.securityProtocol is %s, so name the Secret with the password" $security) $sasl.existingSecret }}
{{- $_ := set .into "KEFU__EVENTS__KAFKA__SASL__PASSWORD" (dict "name" $secret "key" $sasl.key) }}
{{- end }}
{{- range $name, $value := $properties }}
{{- if regexMatch "password|key\\.pem|secret" $name }}{{ fail (printf "kafka.properties: %s is a secret and belongs in a Secret (extraEnv with valueFrom)" $name) }}{{ end }}
{{- $_ := set $.into (printf "KEFU__EVENTS__KAFKA__%s" ($name | replace "." "__" | upper)) $value }}
{{- end }}
{{- end }}

{{/* Secret with the brokers' certificate authority, or nothing. */}}
{{- define "kefu.kafkaCa" -}}
{{- if .Values.kafka.ca.existingSecret }}{{ .Values.kafka.ca.existingSecret }}
{{- else if and .Values.strimzi.enabled (not .Values.kafka.brokers) }}{{ include "kefu.strimzi.cluster" . }}-cluster-ca-cert{{ end }}
{{- end }}

{{- define "kefu.env.mail" -}}
{{- $mail := .root.Values.mail }}
{{- $_ := set .into "KEFU__NOTIFICATION__EMAIL__KIND" $mail.kind }}
{{- $_ := set .into "KEFU__NOTIFICATION__EMAIL__FROM" $mail.from }}
{{- if eq $mail.kind "smtp" }}
{{- $_ := set .into "KEFU__NOTIFICATION__EMAIL__HOST" (required "mail.host is missing: name your mail server, or set mail.kind to none" $mail.host) }}
{{- $_ := set .into "KEFU__NOTIFICATION__EMAIL__PORT" $mail.port }}
{{- $_ := set .into "KEFU__NOTIFICATION__EMAIL__TLS" $mail.tls }}
{{- if $mail.username }}
{{- $_ := set .into "KEFU__NOTIFICATION__EMAIL__USERNAME" $mail.username }}
{{- $secret := required "mail.existingSecret is missing: mail.username is set, so name the Secret with its password" $mail.existingSecret }}
{{- $_ := set .into "KEFU__NOTIFICATION__EMAIL__PASSWORD" (dict "name" $secret "key" $mail.key) }}
{{- end }}
{{- end }}
{{- end }}

{{/* Nested settings to KEFU__SECTION__KEY. Of {from, prefix, path, into}. */}}
{{- define "kefu.env.settings" -}}
{{- range $key, $value := .from }}
{{- $name := printf "%s__%s" $.prefix ($key | replace "." "__" | upper) }}
{{- $path := printf "%s.%s" $.path $key }}
{{- if kindIs "map" $value }}
{{- include "kefu.env.settings" (dict "from" $value "prefix" $name "path" $path "into" $.into) }}
{{- else if regexMatch "^KEFU__(DATABASE__URL|PII__(KEYS__.*|INDEX_KEY))$|PASSWORD|SECRET" $name }}
{{- fail (printf "%s is a secret: it belongs in a Secret, not in values" $path) }}
{{- else if kindIs "slice" $value }}
{{- range $value }}{{ if kindIs "map" . }}{{ fail (printf "%s: a list of sections cannot be said in the environment; mount a settings file and name it in KEFU_CONFIG" $path) }}{{ end }}{{ end }}
{{- $_ := set $.into $name (join "," $value) }}
{{- else }}
{{- $_ := set $.into $name $value }}
{{- end }}
{{- end }}
{{- end }}
