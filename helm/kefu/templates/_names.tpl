{{/* Name of the release's objects, short enough for what is put behind it. */}}
{{- define "kefu.fullname" -}}
{{- $name := ternary .Release.Name (printf "%s-%s" .Release.Name .Chart.Name) (contains .Chart.Name .Release.Name) }}
{{- .Values.fullnameOverride | default $name | trunc 40 | trimSuffix "-" }}
{{- end }}

{{/* Labels by which pods are found; they never change. Of {root, component}. */}}
{{- define "kefu.selector" -}}
app.kubernetes.io/name: kefu
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "kefu.podLabels" -}}
{{ include "kefu.selector" . }}
app.kubernetes.io/part-of: kefu
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
{{- end }}

{{- define "kefu.labels" -}}
{{ include "kefu.podLabels" . }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end }}

{{/* An image by digest or tag. Of {root, image}. */}}
{{- define "kefu.image" -}}
{{- $registry := required "image.registry is missing: say where your images are, e.g. registry.example.com/kefu" .root.Values.image.registry }}
{{- $tag := .image.tag | default .root.Values.image.tag | default .root.Chart.AppVersion }}
{{- $registry | trimSuffix "/" }}/{{ .image.repository }}{{ if .image.digest }}@{{ .image.digest }}{{ else }}:{{ $tag }}{{ end }}
{{- end }}

{{/* The services that are on, as JSON: defaults with each one's own values over them. */}}
{{- define "kefu.services" -}}
{{- $all := list }}
{{- range $name, $own := .Values.services }}
{{- $s := mergeOverwrite (deepCopy $.Values.defaults) (deepCopy ($own | default dict)) }}
{{- if $s.enabled }}
{{- $_ := set $s "name" $name }}
{{- $_ := set $s "fullname" (printf "%s-%s" (include "kefu.fullname" $) $name) }}
{{- $_ := set $s "extraEnv" (concat $.Values.defaults.extraEnv (dig "extraEnv" list ($own | default dict))) }}
{{- if not $s.image.repository }}{{ $_ := set $s.image "repository" (printf "kefu-%s" $name) }}{{ end }}
{{- $all = append $all $s }}
{{- end }}
{{- end }}
{{- if not $all }}{{ fail "services: none is enabled" }}{{ end }}
{{- toJson $all }}
{{- end }}

{{/* How migrations run: hook, init or none. */}}
{{- define "kefu.migrations" -}}
{{- $operators := or .Values.cloudnativepg.enabled .Values.strimzi.enabled }}
{{- if ne .Values.migrations.run "auto" }}{{ .Values.migrations.run }}
{{- else }}{{ ternary "init" "hook" $operators }}{{ end }}
{{- end }}

{{/* Kafka brokers, with commas. */}}
{{- define "kefu.brokers" -}}
{{- if .Values.kafka.brokers }}{{ join "," .Values.kafka.brokers }}
{{- else if .Values.strimzi.enabled }}{{ include "kefu.strimzi.cluster" . }}-kafka-bootstrap:9093
{{- else }}{{ fail "kafka.brokers is missing: name at least one HOST:PORT" }}{{ end }}
{{- end }}

{{- define "kefu.strimzi.cluster" -}}
{{ .Values.strimzi.clusterName | default (include "kefu.fullname" .) }}
{{- end }}

{{/* The public host name. */}}
{{- define "kefu.host" -}}
{{ (urlParse (required "publicUrl is missing: the URL where people and mails reach this installation" .Values.publicUrl)).hostname }}
{{- end }}
