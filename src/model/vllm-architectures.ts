/**
 * What vLLM 0.32.0 can load, by the names in `architectures` of a config.json. Source: the tables of
 * vllm/model_executor/models/registry.py of that version; the classes of transformers 5.19 (the newest it allows) that
 * declare `_supports_attention_backend` or use the attention interface, which it loads by its Transformers backend.
 */

/** The version of vLLM that this table is taken from. */
export const TABLE_VERSION = '0.32';

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** Models that generate text; also those with pictures or sound as input. */
export const CHAT_ARCHITECTURES = words(`
  AXK1ForCausalLM AfmoeForCausalLM ApertusForCausalLM ArceeForCausalLM AriaForConditionalGeneration
  AudioFlamingo3ForConditionalGeneration BagelForConditionalGeneration BailingMoeForCausalLM
  BailingMoeV2ForCausalLM BailingMoeV2_5ForCausalLM BailingMoeV3ForCausalLM
  BailingMoeV3VLForConditionalGeneration BeeForConditionalGeneration Blip2ForConditionalGeneration
  BloomForCausalLM ChatGLMForConditionalGeneration ChatGLMModel Cohere2ForCausalLM Cohere2MoeForCausalLM
  Cohere2VisionForConditionalGeneration CohereAsrForConditionalGeneration
  CohereCompassForConditionalGeneration CohereForCausalLM Cosmos3EdgeForConditionalGeneration
  Cosmos3ForConditionalGeneration CwmForCausalLM DbrxForCausalLM DeciLMForCausalLM DeepseekForCausalLM
  DeepseekOCR2ForCausalLM DeepseekOCRForCausalLM DeepseekV2ForCausalLM DeepseekV32ForCausalLM
  DeepseekV3ForCausalLM DeepseekV41ForCausalLM DeepseekV4ForCausalLM DeepseekV4ForConditionalGeneration
  DeepseekVLV2ForCausalLM DiffusionGemmaForBlockDiffusion Dots3NoteForCausalLM DotsOCRForCausalLM
  Eagle2_5_VLForConditionalGeneration Emu3ForConditionalGeneration Ernie4_5ForCausalLM
  Ernie4_5_MoeForCausalLM Ernie4_5_VLMoeForConditionalGeneration Exaone4ForCausalLM
  Exaone4_5_ForConditionalGeneration ExaoneForCausalLM ExaoneMoEForCausalLM ExaoneMoeForCausalLM
  FalconForCausalLM FalconH1ForCausalLM FalconMambaForCausalLM FireRedASR2ForConditionalGeneration
  FlexOlmoForCausalLM FunASRForConditionalGeneration FunAudioChatForConditionalGeneration GLM4VForCausalLM
  GPT2LMHeadModel GPTBigCodeForCausalLM GPTJForCausalLM GPTNeoXForCausalLM Gemma2ForCausalLM
  Gemma3ForCausalLM Gemma3ForConditionalGeneration Gemma3nForCausalLM Gemma3nForConditionalGeneration
  Gemma4ForCausalLM Gemma4ForConditionalGeneration Gemma4UnifiedForConditionalGeneration GemmaForCausalLM
  Glm4ForCausalLM Glm4MoeForCausalLM Glm4MoeLiteForCausalLM Glm4vForConditionalGeneration
  Glm4vMoeForConditionalGeneration Glm5NextForCausalLM Glm5NextForConditionalGeneration
  GlmAsrForConditionalGeneration GlmForCausalLM GlmMoeDsaForCausalLM GlmOcrForConditionalGeneration
  GptOssForCausalLM Granite4VisionForConditionalGeneration GraniteForCausalLM GraniteMoeForCausalLM
  GraniteMoeHybridForCausalLM GraniteMoeSWAForCausalLM GraniteMoeSharedForCausalLM GraniteSWAForCausalLM
  GraniteSpeechForConditionalGeneration GraniteSpeechPlusForConditionalGeneration H2OVLChatModel
  HCXVisionV2ForCausalLM HYV3ForCausalLM HYV4ForCausalLM HfMoondream HrmTextForCausalLM
  HunYuanDenseV1ForCausalLM HunYuanMoEV1ForCausalLM HunYuanVLForConditionalGeneration HyperCLOVAXForCausalLM
  IQuestCoderForCausalLM IQuestLoopCoderForCausalLM Idefics3ForConditionalGeneration InklingForCausalLM
  InklingForConditionalGeneration InternLM2ForCausalLM InternLM3ForCausalLM InternS1ForConditionalGeneration
  InternS1ProForConditionalGeneration InternS2MobiusForConditionalGeneration
  InternS2PreviewForConditionalGeneration InternVLChatModel InternVLForConditionalGeneration
  IsaacForConditionalGeneration Jais2ForCausalLM JambaForCausalLM K2HorizonForCausalLM
  KananaVForConditionalGeneration KeyeForConditionalGeneration KeyeVL1_5ForConditionalGeneration
  KimiK25ForConditionalGeneration KimiK3ForConditionalGeneration KimiLinearForCausalLM
  KimiVLForConditionalGeneration LLaMAForCausalLM LagunaForCausalLM Lfm2ForCausalLM Lfm2MoeForCausalLM
  Lfm2VlForConditionalGeneration LightOnOCRForConditionalGeneration Llama4ForCausalLM
  Llama4ForConditionalGeneration LlamaForCausalLM Llama_Nemotron_Nano_VL LlavaForConditionalGeneration
  LlavaNextForConditionalGeneration LlavaNextVideoForConditionalGeneration
  LlavaOnevision2ForConditionalGeneration LlavaOnevisionForConditionalGeneration LongcatFlashForCausalLM
  LongcatFlashNgramForCausalLM Mamba2ForCausalLM MambaForCausalLM MellumForCausalLM MiDashengLMModel
  MiMoForCausalLM MiMoV2FlashForCausalLM MiMoV2ForCausalLM MiMoV2OmniForCausalLM MiniCPM3ForCausalLM
  MiniCPMForCausalLM MiniCPMO MiniCPMV MiniCPMV4_6ForConditionalGeneration
  MiniCPMV4_7ForConditionalGeneration MiniMaxM2ForCausalLM MiniMaxM3SparseForCausalLM
  MiniMaxM3SparseForConditionalGeneration Ministral3ForCausalLM Mistral3ForConditionalGeneration
  MistralForCausalLM MistralLarge3ForCausalLM MixtralForCausalLM Molmo2ForConditionalGeneration
  MolmoForCausalLM Moondream3ForCausalLM MoonshotKimiaForCausalLM MossAudioModel
  MossTranscribeDiarizeForConditionalGeneration MuseGlimmerForCausalLM MuseGlimmerForConditionalGeneration
  NVLM_D NanbeigeForCausalLM NemotronForCausalLM NemotronHForCausalLM NemotronHPuzzleForCausalLM
  NemotronH_Nano_Omni_Reasoning_V3 NemotronH_Nano_VL_V2 NemotronH_Omni_Reasoning_V3
  NemotronH_Super_Omni_Reasoning_V3 NemotronParseForConditionalGeneration OPTForCausalLM Olmo2ForCausalLM
  Olmo3ForCausalLM OlmoForCausalLM OlmoHybridForCausalLM OlmoeForCausalLM OpenCUAForConditionalGeneration
  OpenPanguVLForConditionalGeneration OrionForCausalLM Ovis Ovis2_5 Ovis2_6ForCausalLM
  Ovis2_6_MoeForCausalLM PaddleOCRVLForConditionalGeneration PaliGemmaForConditionalGeneration
  PanguEmbeddedForCausalLM PanguProMoEV2ForCausalLM PanguUltraMoEForCausalLM Param2MoEForCausalLM
  Phi3ForCausalLM Phi3VForCausalLM Phi4ForCausalLMV Phi4MMForCausalLM PhiForCausalLM PhiMoEForCausalLM
  PixtralForConditionalGeneration Plamo3ForCausalLM QianfanOCRForConditionalGeneration
  Qwen2AudioForConditionalGeneration Qwen2ForCausalLM Qwen2MoeForCausalLM Qwen2VLForConditionalGeneration
  Qwen2_5OmniForConditionalGeneration Qwen2_5OmniModel Qwen2_5_VLForConditionalGeneration
  Qwen3ASRForConditionalGeneration Qwen3ASRRealtimeGeneration Qwen3ForCausalLM Qwen3MoeForCausalLM
  Qwen3NextForCausalLM Qwen3OmniMoeForConditionalGeneration Qwen3VLForConditionalGeneration
  Qwen3VLMoeForConditionalGeneration Qwen3_5ForCausalLM Qwen3_5ForConditionalGeneration
  Qwen3_5MoeForCausalLM Qwen3_5MoeForConditionalGeneration Qwen4ExpForCausalLM
  Qwen4ExpForConditionalGeneration RForConditionalGeneration Rnj1ForCausalLM SarvamMLAForCausalLM
  SarvamMoEForCausalLM SeedOssForCausalLM SkyworkR1VChatModel SmolLM3ForCausalLM
  SmolVLMForConditionalGeneration SolarForCausalLM StableLmForCausalLM Starcoder2ForCausalLM
  Step1ForCausalLM Step3TextForCausalLM Step3VLForConditionalGeneration Step3p5ForCausalLM
  Step3p7ForConditionalGeneration StepVLForConditionalGeneration TeleChat2ForCausalLM TeleChat3ForCausalLM
  TeleFLMForCausalLM UltravoxModel UnlimitedOCRForCausalLM VaultGemmaForCausalLM
  VibeVoiceAsrForConditionalGeneration VoxtralForConditionalGeneration VoxtralRealtimeGeneration
  Zamba2ForCausalLM
`);

/** Not in the registry, but loaded through the Transformers backend, more slowly. */
export const TRANSFORMERS_ARCHITECTURES = words(`
  AXK2ForCausalLM AriaTextForCausalLM AyaVisionForConditionalGeneration BambaForCausalLM BertLMHeadModel
  BioGptForCausalLM BitNetForCausalLM BltForCausalLM CTRLLMHeadModel CamembertForCausalLM
  ChameleonForConditionalGeneration CohereCompassForCausalLM Cosmos3OmniForConditionalGeneration
  Data2VecTextForCausalLM DeepseekOcr2ForConditionalGeneration DiffLlamaForCausalLM DogeForCausalLM
  Dots1ForCausalLM ElectraForCausalLM Emu3ForCausalLM Ernie4_5_VL_MoeForConditionalGeneration
  ErnieForCausalLM FastVlmForConditionalGeneration FunAsrNanoForConditionalGeneration FuyuForCausalLM
  Gemma4UnifiedForCausalLM GitForCausalLM Glm46VForConditionalGeneration GotOcr2ForConditionalGeneration
  HeliumForCausalLM HyperCLOVAXVisionV2ForConditionalGeneration Idefics2ForConditionalGeneration
  InstructBlipForConditionalGeneration InstructBlipVideoForConditionalGeneration JetMoeForCausalLM
  Kimi_K25ForConditionalGeneration Kosmos2ForConditionalGeneration Kosmos2TextForCausalLM
  Kosmos2_5ForConditionalGeneration Kosmos2_5TextForCausalLM LightOnOcrForConditionalGeneration
  MiniMaxForCausalLM MiniMaxM3VLForCausalLM MinistralForCausalLM Mistral4ForCausalLM MllamaForCausalLM
  MllamaForConditionalGeneration ModernBertDecoderForCausalLM MusicFlamingoForConditionalGeneration
  MusicgenMelodyForCausalLM NanoChatForCausalLM Ovis2ForConditionalGeneration
  PerceptionLMForConditionalGeneration PersimmonForCausalLM Phi4MultimodalForCausalLM PhimoeForCausalLM
  RecurrentGemmaForCausalLM RoCBertForCausalLM RobertaForCausalLM RobertaPreLayerNormForCausalLM
  SolarOpenForCausalLM VideoLlama3ForConditionalGeneration VideoLlavaForConditionalGeneration
  VipLlavaForConditionalGeneration XLMRobertaForCausalLM XLMRobertaXLForCausalLM XmodForCausalLM
  YoutuForCausalLM ZambaForCausalLM ZayaForCausalLM
`);

/** Embedding, reranking, reward and classification: they answer no chat. */
export const POOLING_ARCHITECTURES = words(`
  BertForMaskedLM BertForSequenceClassification BertForTokenClassification BertModel
  BertSpladeSparseEmbeddingModel BgeM3EmbeddingModel CLIPModel ClefOmniForJointSchema
  ColBERTJinaRobertaModel ColBERTLfm2Model ColBERTModernBertModel ColModernVBertForRetrieval
  ColPaliForRetrieval ColQwen3 ColQwen3_5 DeepseekV3BidirectionalModel EmbeddingGemma2Model
  GPT2ForSequenceClassification Gemma2Model Gemma3TextModel GteModel GteNewForSequenceClassification
  GteNewModel HF_ColBERT InternLM2ForRewardModel JambaForSequenceClassification JinaEmbeddingsV5Model
  JinaForRanking JinaVLForRanking LlamaBidirectionalForSequenceClassification LlamaBidirectionalModel
  LlamaModel LlamaNemotronVLForSequenceClassification LlamaNemotronVLModel MistralModel
  ModernBertForSequenceClassification ModernBertForTokenClassification ModernBertModel NomicBertModel
  OpenAIPrivacyFilterForTokenClassification OpsColQwen3Model Qwen2ForProcessRewardModel Qwen2ForRewardModel
  Qwen2Model Qwen3ASRForcedAlignerForTokenClassification Qwen3VLNemotronEmbedModel RobertaForMaskedLM
  RobertaForSequenceClassification RobertaForTokenClassification RobertaModel SiglipModel
  VoyageQwen3BidirectionalEmbedModel XLMRobertaForSequenceClassification XLMRobertaForTokenClassification
  XLMRobertaModel
`);

/** Small helpers of a larger model (speculative decoding); they are no models of their own. */
export const DRAFT_ARCHITECTURES = words(`
  BailingMoeV25MTPModel BailingMoeV3MTPModel DFlash2DraftModel DFlashDraftModel DFlashLagunaForCausalLM
  DFlashMuseGlimmerAssistantModel DSparkDraftModel DSparkV41DraftModel DeepSeekMTPModel DeepSeekV4MTPModel
  DeepseekV32MTPModel Dots3NoteMTPModel Eagle3DeepseekV2ForCausalLM Eagle3DeepseekV3ForCausalLM
  Eagle3LlamaForCausalLM Eagle3MiniMaxM2ForCausalLM Eagle3Qwen2_5vlForCausalLM Eagle3Qwen3ForCausalLM
  Eagle3Qwen3vlForCausalLM EagleCohereForCausalLM EagleDeepSeekMTPModel EagleLlama4ForCausalLM
  EagleLlamaForCausalLM EagleMiniCPMForCausalLM EagleMistralForCausalLM EagleMistralLarge3ForCausalLM
  ErnieMTPModel Exaone4_5_MTP ExaoneMoeMTP ExtractHiddenStatesModel Gemma4DSparkModel Gemma4MTPModel
  Glm4MoeLiteMTPModel Glm4MoeMTPModel Glm5NextMTPModel GlmOcrMTPModel HYV3MTPModel HYV4MTPModel
  InklingMTPModel InternS2MobiusMTP K3DSparkModel KimiK3MTPModel LiLiCorrDraftModel LlamaForCausalLMEagle3
  LongCatFlashMTPModel MedusaModel MiMoMTPModel MiMoV2MTPModel MiMoV2OmniMTPModel MiniMaxM3MTP
  MuseGlimmerAssistantModel NemotronHMTPModel OpenPanguMTPModel PEagleDraftModel PeagleLlamaForCausalLM
  PeagleQwen3ForCausalLM Qwen3DSparkModel Qwen3NextMTP Qwen3OmniDSparkModel Qwen3_5MTP Qwen3_5MoeMTP
  Qwen4ExpMTP Step3p5MTP
`);

/** Removed, with the last version that had them. */
export const REMOVED_ARCHITECTURES: Readonly<Record<string, string>> = {
  AquilaForCausalLM: '0.24.0',
  AquilaModel: '0.24.0',
  ArcticForCausalLM: '0.28.0',
  BaiChuanForCausalLM: '0.23.0',
  BaichuanForCausalLM: '0.23.0',
  Cheers: '0.28.0',
  CheersForConditionalGeneration: '0.28.0',
  DonutForConditionalGeneration: '0.10.2',
  ErnieForSequenceClassification: '0.23.0',
  ErnieForTokenClassification: '0.23.0',
  ErnieModel: '0.23.0',
  Fairseq2LlamaForCausalLM: '0.28.0',
  FireRedLIDForConditionalGeneration: '0.28.0',
  GritLM: '0.28.0',
  Grok1ForCausalLM: '0.24.0',
  Grok1ModelForCausalLM: '0.24.0',
  HCXVisionForCausalLM: '0.28.0',
  InternLM2VEForCausalLM: '0.23.0',
  InternLMForCausalLM: '0.23.0',
  JAISLMHeadModel: '0.22.0',
  MPTForCausalLM: '0.28.0',
  MantisForConditionalGeneration: '0.24.0',
  MiniMaxM1ForCausalLM: '0.23.0',
  MiniMaxText01ForCausalLM: '0.23.0',
  MiniMaxVL01ForConditionalGeneration: '0.23.0',
  MotifForCausalLM: '0.10.2',
  MptForCausalLM: '0.28.0',
  OuroForCausalLM: '0.26.0',
  Phi3SmallForCausalLM: '0.9.2',
  Phi4FlashForCausalLM: '0.10.2',
  Plamo2ForCausalLM: '0.26.0',
  PrithviGeoSpatialMAE: '0.28.0',
  QWenLMHeadModel: '0.23.0',
  QwenVLForConditionalGeneration: '0.23.0',
  RWForCausalLM: '0.28.0',
  StableLMEpochForCausalLM: '0.28.0',
  Tarsier2ForConditionalGeneration: '0.23.0',
  TarsierForConditionalGeneration: '0.24.0',
  TeleChatForCausalLM: '0.25.0',
  XverseForCausalLM: '0.23.0',
};

/** Loaded only by an additional package that the official image does not have. */
export const PLUGIN_ARCHITECTURES = words(
  'BartModel BartForConditionalGeneration Florence2ForConditionalGeneration MBartForConditionalGeneration Nemotron3_5AsrForRNNT',
);

/** Values of `quantization_config.quant_method` that it reads (vllm/model_executor/layers/quantization). */
export const QUANTIZATION_METHODS = words(`
  awq auto_awq awq_marlin fp8 fbgemm_fp8 fp_quant modelopt modelopt_fp4 modelopt_mxfp8 modelopt_mixed
  auto_gptq gptq gptq_marlin humming compressed-tensors experts_int8 quark moe_wna16 torchao inc auto-round
  mxfp4 gpt_oss_mxfp4 deepseek_v4_fp8 online
`);
